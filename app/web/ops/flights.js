/** A stream that finds a new home is seen to go there. The rule: what moves is what has moved; nothing else does. */

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const FLIGHT_MS = 1100;
/** One after the other, so that each can be followed; and no longer than the next snapshots take. */
const APART_MS = 60;
const MOST = 40;

/** @param {{ from: DOMRect, to: Element }[]} moves */
export function fly(moves) {
  if (CALM.matches || document.visibilityState !== "visible") return;
  const style = getComputedStyle(document.documentElement);
  const [lost, home] = [style.getPropertyValue("--now"), style.getPropertyValue("--drawn")];
  moves.slice(0, MOST).forEach(({ from, to }, index) => {
    const target = to.getBoundingClientRect();
    const flight = document.createElement("i");
    flight.className = "flight";
    flight.style.left = `${from.left}px`;
    flight.style.top = `${from.top}px`;
    flight.style.width = `${from.width}px`;
    flight.style.height = `${from.height}px`;
    document.body.append(flight);
    const [x, y] = [target.left - from.left, target.top - from.top];
    const timing = { duration: FLIGHT_MS, delay: index * APART_MS, easing: "cubic-bezier(0.5, 0, 0.1, 1)", fill: "both" };
    const frames = [
      { transform: "none", backgroundColor: lost },
      { transform: `translate(${x * 0.35}px, ${y * 0.5}px) scale(1.35)`, backgroundColor: lost, offset: 0.45 },
      { transform: `translate(${x}px, ${y}px)`, backgroundColor: home },
    ];
    to.animate([{ opacity: 0 }, { opacity: 0 }], { duration: timing.duration + timing.delay });
    flight.animate(frames, timing).finished.finally(() => flight.remove());
  });
}

/** One pass of a wave over what runs: each snapshot sends one, and where nothing comes, nothing moves. */
export function wave(element) {
  if (CALM.matches || document.visibilityState !== "visible") return;
  element.animate(
    [{ transform: "translateX(-100%)", opacity: 0.75 }, { transform: "translateX(340%)", opacity: 0.75 }],
    { duration: 950, easing: "cubic-bezier(0.4, 0, 0.6, 1)" },
  );
}

/** What is over goes, and is not gone at once. */
export function vanish(element) {
  if (CALM.matches || document.visibilityState !== "visible") return element.remove();
  element.inert = true;
  const { height } = element.getBoundingClientRect();
  element.style.overflow = "hidden";
  element.animate([{ height: `${height}px`, opacity: 1 }, { height: 0, opacity: 0, paddingBlock: 0 }], { duration: 500, easing: "ease-in-out" })
    .finished.finally(() => element.remove());
}
