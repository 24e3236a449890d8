/** Which tools Claude may use in this chat: the panel over its button. Loaded when it is opened first. */

import { left, show } from "/chat/menu/panel.js";
import { h } from "/chat/dom.js";

/**
 * Opens the panel over its button, or closes it.
 * @param {HTMLElement} button @param {object[]} tools as `GET /v1/tools` has them @param {string[]} chosen their names
 * @param {(names: string[]) => void} choose
 */
export function toggle(button, tools, chosen, choose) {
  if (left("#toolbox")) return;
  const names = new Set(chosen);
  const row = ({ name, description, approve }) => {
    const box = h("input", { type: "checkbox", checked: names.has(name), onchange: () => {
      if (box.checked) names.add(name);
      else names.delete(name);
      choose(tools.map((tool) => tool.name).filter((one) => names.has(one)));
    } });
    return h("label", {}, box, h("b", {}, name), h("span", {}, [brief(description), approve ? "Asks you first." : ""].filter(Boolean).join(" ")));
  };
  show(button, h("div", { id: "toolbox", class: "menu", role: "group", "aria-label": "Tools in this chat" },
    h("p", {}, "Tools in this chat"), tools.map(row)));
}

/** Its first sentence: what is behind it is for the model. */
function brief(description = "") {
  return /^.*?[.!?](?=\s|$)/s.exec(description)?.[0] ?? description.slice(0, 200);
}
