/** Why an answer was no good: a box beneath it, fetched by the first thumb down. What is typed stays until it was taken. */

import { h } from "/chat/dom.js";
import { keyed } from "/chat/asking/keyed.js";

/** As the server has it. */
const LONGEST = 2000;

/**
 * Asks, below `element`; `back` has the focus afterwards.
 * @param {(text: string) => Promise<boolean>} send whether it was taken
 * @returns {{ close: () => false | void }}
 */
export function ask(element, text, send, back) {
  const box = h("textarea", { "aria-label": "What was wrong with it?", placeholder: "What was wrong with it? (optional)", rows: "2", maxlength: String(LONGEST) });
  box.value = text;
  const button = h("button", { class: "primary" }, "Send");
  const close = () => form.remove();
  /** Takes it away, unless there is something in it that was not sent: false then. */
  const leave = () => {
    const [said, holds] = [box.value.trim(), form.isConnected];
    if (!holds || !said || said === text) return close();
    box.focus();
    return false;
  };
  const done = () => {
    close();
    back.focus();
  };
  const form = h("form", {
    class: "edit note-box",
    onsubmit: async (event) => {
      event.preventDefault();
      const said = box.value.trim();
      if (!said || said === text) return done();
      button.disabled = true;
      const taken = await send(said);
      button.disabled = false;
      if (!taken) return;
      const thanks = h("p", { class: "note", role: "status" });
      form.replaceWith(thanks);
      thanks.textContent = "Thanks for your feedback.";
      back.focus();
      setTimeout(() => thanks.remove(), 4000);
    },
    onkeydown: keyed(done),
  }, box, h("div", { class: "row" }, h("button", { type: "button", onclick: done }, "Skip"), button));
  element.append(form);
  box.focus();
  form.scrollIntoView({ block: "nearest" });
  return { close: leave };
}
