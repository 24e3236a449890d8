/**
 * A word on an answer: thumbs up, thumbs down, and why. The rule: what is shown as said was said; what the server did not
 * take is taken back, and a note stays in its box.
 */

import { iconButton } from "/chat/dom.js";

/** What was said here: an earlier version of an answer that is shown again comes without it. */
const said = new Map();

/**
 * The two buttons below an answer.
 * @param {object} entry of `Messages`
 * @param {object} does `rate(stream, { rating, note })`, which resolves when it was taken and throws what kept it from that
 */
export function verdict(entry, does) {
  const stream = entry.message.id.replace("msg_", "st_");
  let given = entry.message.feedback ?? said.get(stream) ?? null;
  let note = null;
  const show = () => buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(given?.rating === (at ? -1 : 1))));
  const say = async (rating, text = "") => {
    const before = given;
    given = { rating, ...(text && { note: text }) };
    show();
    try {
      await does.rate(stream, text ? given : { rating });
      said.set(stream, given);
      return true;
    } catch (error) {
      given = before;
      show();
      does.trouble(error);
      return false;
    }
  };
  const press = async (rating) => {
    if (note?.close() === false) return;
    const why = given?.rating === rating ? (given.note ?? "") : null;
    if (why === null) say(rating);
    if (rating > 0) return;
    const { ask } = await import("/chat/answer/note.js");
    if (note?.close() === false) return; // of a second press meanwhile
    note = ask(entry.element, why ?? "", (text) => say(rating, text), buttons[1]);
  };
  const buttons = [iconButton("up", "Good answer", () => press(1)), iconButton("down", "Bad answer", () => press(-1))];
  show();
  return buttons;
}
