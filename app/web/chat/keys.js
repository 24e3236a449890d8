/**
 * What a key means. The rule: a key that belongs to an input method's composition means nothing to the page: the Enter
 * that takes a word over sends no message, and the Escape that gives one up stops no answer. Every listener asks here.
 */

/** The key, or "" for one that an input method takes. Safari's last key of a composition says so by its code alone. */
export function keyOf(event) {
  return event.isComposing || event.keyCode === 229 ? "" : event.key;
}

/** On a touch keyboard Enter is the only way to a new line, and the button is near. */
export function isTouch() {
  return matchMedia("(hover: none) and (pointer: coarse)").matches;
}

/** Whether a key in a box of several lines sends what is in it. Who writes at length may have Enter begin a line. */
export function sends(event) {
  if (keyOf(event) !== "Enter" || event.shiftKey) return false;
  return event.ctrlKey || event.metaKey || (!isTouch() && document.documentElement.dataset.enter !== "breaks");
}

export const isMac = /Mac|iP/.test(navigator.platform);

/**
 * Keys that work wherever one is: none of them is a browser's own, or a letter that somebody may want to type. What they do is
 * loaded with the first of them. @param {object} page what `palette.js` is handed, and `trouble(error)`
 */
export function listen(page) {
  addEventListener("keydown", async (event) => {
    const name = meant(event);
    if (!name || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    try {
      (await import("/chat/list/palette.js")).run(name, page);
    } catch (error) {
      page.trouble(error);
    }
  });
}

function meant(event) {
  const { ctrlKey, metaKey, altKey, shiftKey, code, target } = event;
  const key = keyOf(event).toLowerCase();
  if (!key) return null;
  if ((isMac ? metaKey : ctrlKey) && !altKey && (key === "k" || key === "/")) return key;
  if (key === "?" && !ctrlKey && !metaKey && !altKey && !target.closest?.("input, textarea, select")) return "/";
  const leads = shiftKey && !metaKey && (isMac ? ctrlKey && !altKey : altKey && !ctrlKey);
  return leads && /^Key[CFMNS]$/.test(code) ? code : null;
}
