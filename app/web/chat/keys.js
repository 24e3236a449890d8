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
