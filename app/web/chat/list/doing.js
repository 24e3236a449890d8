/** What is done with a chat as a whole: a new title, its end. It is loaded when somebody does. */

import { h } from "/chat/dom.js";
import { keyOf } from "/chat/keys.js";

/**
 * Puts a box in the place of an element, for another title.
 * @returns {Promise<string | null>} null where it stays as it was
 */
export function retitled(element, title, attributes = {}) {
  return new Promise((resolve) => {
    const input = h("input", { "aria-label": "Title", value: title, maxlength: "200", ...attributes });
    let over = false;
    const done = (keep) => {
      if (over) return;
      over = true;
      input.replaceWith(element);
      const text = input.value.trim();
      resolve(keep && text !== title ? text : null);
    };
    input.addEventListener("keydown", (event) => {
      if (keyOf(event) === "Enter") done(true);
      if (keyOf(event) !== "Escape") return;
      event.stopPropagation();
      done(false);
    });
    input.addEventListener("blur", () => done(true));
    element.replaceWith(input);
    input.focus();
    input.select();
  });
}

/** Asks before what cannot be undone. @returns {Promise<boolean>} */
export function confirmed(question, detail, yes) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "small", "aria-label": question, onclose: () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    } },
      h("form", { method: "dialog" }, h("h2", {}, question), h("p", {}, detail),
        h("div", { class: "row" }, h("button", { value: "no", autofocus: true }, "Keep it"), h("button", { value: "yes", class: "danger" }, yes))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
