/**
 * What browsers from Safari 15.0 on lack of what the page and its libraries use. The rule: it is imported by
 * those alone, before anything is made, and where a browser has something of its own it is left alone.
 */

function lacks(object, name, value) {
  if (object && !(name in object)) Object.defineProperty(object, name, { value, writable: true, configurable: true });
}

function at(index) {
  const place = Math.trunc(index) || 0;
  return this[place < 0 ? this.length + place : place];
}

lacks(Array.prototype, "at", at);
lacks(String.prototype, "at", at);
lacks(Array.prototype, "findLast", function findLast(test) {
  return [...this].reverse().find((value) => test(value));
});
lacks(Object, "hasOwn", (object, name) => Object.prototype.hasOwnProperty.call(object, name));
lacks(AbortSignal, "timeout", (ms) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("it took too long", "TimeoutError")), ms);
  return controller.signal;
});
lacks(HTMLFormElement.prototype, "requestSubmit", function requestSubmit() {
  this.querySelector("button:not([type=button])").click();
});

/** A dialog is an element like any other there: it is shown by its attribute, and its forms close it. */
const Dialog = globalThis.HTMLDialogElement?.prototype ?? globalThis.HTMLUnknownElement?.prototype;
lacks(Dialog, "close", function close(value) {
  if (value !== undefined) this.returnValue = value;
  this.removeAttribute("open");
  this.dispatchEvent(new Event("close"));
});
lacks(Dialog, "showModal", function showModal() {
  this.setAttribute("open", "");
  this.setAttribute("role", "dialog");
  const closing = new AbortController();
  const { signal } = closing;
  this.addEventListener("close", () => closing.abort(), { once: true });
  this.addEventListener("submit", (event) => {
    event.preventDefault();
    this.close(event.submitter?.value ?? pressed);
  }, { signal });
  let pressed = "";
  this.addEventListener("click", (event) => (pressed = event.target.closest("button")?.value ?? ""), { signal, capture: true });
  this.addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && this.close(), { signal });
  (this.querySelector("[autofocus]") ?? this.querySelector("input, textarea, button"))?.focus();
});
