/** A small panel over a button of the box. Loaded when one is opened first. */

import { keyOf } from "/chat/keys.js";

/** Whether it was open; then it is closed. */
export function left(selector) {
  const open = document.querySelector(selector);
  open?.dispatchEvent(new Event("leave"));
  return Boolean(open);
}

/** Opens it over its button: Escape, a click elsewhere, or leaving it closes it. */
export function show(button, panel) {
  const over = new AbortController();
  const leave = (back) => {
    over.abort();
    panel.remove();
    button.setAttribute("aria-expanded", "false");
    if (back) button.focus();
  };
  panel.addEventListener("leave", () => leave(true));
  panel.addEventListener("keydown", (event) => {
    if (keyOf(event) !== "Escape") return;
    event.stopPropagation(); // it stops no answer
    leave(true);
  });
  document.addEventListener("pointerdown", ({ target }) => panel.contains(target) || button.contains(target) || leave(false), { signal: over.signal });
  panel.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !panel.contains(relatedTarget) && relatedTarget !== button && leave(false));
  button.setAttribute("aria-expanded", "true");
  button.after(panel);
  panel.querySelector("select, input").focus();
}
