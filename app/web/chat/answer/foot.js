/**
 * What stands below an answer that has ended: how it ended, what one can do with it, and its numbers. The rule: it is
 * asked for twice, with the stream's end and with the message; what is the same stays, and with it the focus.
 */

import { copy, h, iconButton } from "/chat/dom.js";
import { verdict } from "/chat/answer/verdict.js";
import { ending, measured, named, saidIn, spent } from "/chat/words.js";

/**
 * Puts it below an answer, or brings what is there up to date.
 * @param {object} entry of `Messages`: `{ element, message, answer }`
 * @param {object} does what its buttons do: `continue`, `regenerate`, `fork(id)`, `rephrase(id)` the question of an answer
 */
export function foot(entry, does) {
  const { element, answer, message } = entry;
  const tools = element.querySelector(":scope > .tools") ?? element.appendChild(made(entry, does));
  const numbers = tools.querySelector(".numbers");
  numbers.textContent = measured(message.usage, message.timing);
  const model = message.model ?? answer.model ?? "";
  tools.querySelector(".model").textContent = named(model);
  tools.querySelector(".model").title = model;
  tools.querySelector(".spent").textContent = spent(message);
  const old = element.querySelector(":scope > .ending");
  const told = ending(message);
  const note = told && noted(message.id, told, does);
  if (!old || !note || !old.isEqualNode(note)) {
    old?.remove();
    if (note) tools.before(note);
  }
  if (!told && answer.isEmpty) answer.say("Claude sent an empty answer.");
}

/** How it ended, where that wants saying. */
function noted(id, { text, bad, actions }, does) {
  const buttons = {
    continue: () => h("button", { type: "button", onclick: () => does.continue() }, "Continue"),
    regenerate: () => h("button", { type: "button", onclick: () => does.regenerate() }, "Retry"),
    edit: () => h("button", { type: "button", onclick: () => does.rephrase(id) }, "Edit the message"),
  };
  return h("div", { class: `ending${bad ? " bad" : ""}` }, h("p", {}, text),
    h("span", { class: "last-only" }, actions.map((name) => buttons[name]())));
}

function made(entry, does) {
  return h("div", { class: "tools" },
    iconButton("copy", "Copy as Markdown", (event) => copy(saidIn(entry.message) || entry.answer.text, event.currentTarget)),
    iconButton("retry", "Regenerate", () => does.regenerate(), { class: "quiet last-only" }),
    iconButton("branch", "Branch from here", () => does.fork(entry.message.id)),
    verdict(entry, does),
    h("span", { class: "facts" }, h("span", { class: "model" }), " ", h("span", { class: "numbers" }), " ", h("span", { class: "spent" })));
}
