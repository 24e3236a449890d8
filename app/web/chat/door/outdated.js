/**
 * A page that stands open while its server becomes another: what it fetches later may be gone or be of another version. The
 * rule: that is said, with the one thing that helps, and what was typed is kept by the box.
 */

/** What browsers say where a module could not be had, or is not the one that was meant. */
const MODULE = /imported module|module script|does not provide an export|import .*not found/i;

/**
 * Watches for it from now on.
 * @param {(text: string, ...actions: Node[]) => void} notice
 * @param {() => Node} reload makes the button
 */
export function watch(notice, reload) {
  const met = async (error) => {
    if (MODULE.test(error?.message ?? "")) {
      // Who is offline cannot have it either.
      const there = await fetch("/page.json", { cache: "no-store" }).then((answer) => answer.ok, () => false);
      if (there) notice("Keepstream was updated. Reload to continue.", reload());
      else notice("Couldn’t reach the server. Try again.");
    } else if (error instanceof TypeError && !/fetch|network|load failed/i.test(error.message)) {
      notice("Something went wrong on this page. Reload to continue.", reload());
    }
  };
  addEventListener("unhandledrejection", (event) => met(event.reason));
  addEventListener("error", (event) => met(event.error));
}
