/**
 * The box in a message's place, to say it in another way. It is loaded when somebody edits. The rule: what is typed there
 * is not lost: leaving it needs Escape or a button, and it stays where what was sent is refused. What takes the box away otherwise (another edit, another
 * chat or version, a reload) costs nothing: it is there again when the message is edited again.
 */

import { keepText, textOf as draftOf } from "/chat/composing/draft.js";
import { h } from "/chat/dom.js";
import { keyed } from "/chat/asking/keyed.js";
import { textOf } from "/chat/words.js";

/**
 * Puts the box there; returns what takes it away, and keeps what was typed.
 * @param {object} entry of `Messages`
 * @param {(message: object, text: string) => Promise<boolean>} send says it; false where it was refused
 * @param {() => void} closed is called when the box is gone
 */
export function edit({ element, message }, send, closed) {
  const said = textOf(message.content);
  const place = `${location.hash.slice(1)}/${message.id}`;
  const keep = () => keepText(place, box.value === said ? "" : box.value);
  const box = h("textarea", { "aria-label": "Edit message", rows: "3", oninput: keep });
  box.value = draftOf(place) || said;
  const done = () => {
    keepText(place, "");
    close();
  };
  const close = () => {
    form.remove();
    element.classList.remove("editing");
    closed();
  };
  const later = element.nextElementSibling?.nextElementSibling;
  const form = h("form", {
    class: "edit",
    onsubmit: async (event) => {
      event.preventDefault();
      if (!box.value.trim()) return box.focus();
      if (await send(message, box.value)) done();
    },
    onkeydown: keyed(done),
  }, box, later ? h("p", { class: "note" }, "What follows is kept, as an earlier version.") : null,
    h("div", { class: "row" }, h("button", { type: "button", onclick: done }, "Cancel"), h("button", { class: "primary" }, "Send again")));
  element.classList.add("editing");
  element.append(form);
  box.focus();
  return close;
}
