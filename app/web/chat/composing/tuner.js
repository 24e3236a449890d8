/** The small panel beside the model: thinking, effort, length. Loaded when it is opened first. */

import { can, nameOf, SHORT_TOKENS } from "/chat/composing/tuning.js";
import { h } from "/chat/dom.js";
import { left, show } from "/chat/menu/panel.js";

const number = new Intl.NumberFormat("en");

/**
 * Opens the panel over its button, or closes it.
 * @param {HTMLElement} button @param {object | undefined} model @param {number} most how long an answer may be, in tokens
 * @param {{ get(name: string): string, set(name: string, value: string): void }} settings @param {() => void} changed
 */
export function toggle(button, model, most, settings, changed) {
  if (left("#tuner")) return;
  const { on, off, efforts } = can(model);
  const choice = (name, label, options) => {
    const known = options.some(([value]) => value === settings.get(name));
    const select = h("select", { name, onchange: () => (settings.set(name, select.value), changed()) },
      options.map(([value, text]) => h("option", { value }, text)));
    select.value = known ? settings.get(name) : "";
    return h("label", {}, label, select);
  };
  const panel = h("div", { id: "tuner", class: "menu", role: "group", "aria-label": "Thinking and length" },
    choice("thinking", "Thinking", [["", "Auto"], ...(on ? [["on", "On, and shown"]] : []), ...(off ? [["off", "Off"]] : [])]),
    efforts.length ? choice("effort", "Effort", [["", "Auto"], ...efforts.map((one) => [one, nameOf(one)])]) : null,
    choice("length", "Longest answer", [["", `${number.format(most)} tokens`], ["short", `Short: ${number.format(Math.min(SHORT_TOKENS, most))} tokens`]]));
  show(button, panel);
}
