/** A dialog that shows a text that goes along, to be changed, or put back into the box. Loaded when the first one is opened. */

import { h } from "/chat/dom.js";

/** @returns {Promise<{ text: string, back: boolean } | null>} null where nothing is to be changed */
export function askText(name, text) {
  const area = h("textarea", { "aria-label": name, rows: "14", spellcheck: "false" });
  area.value = text;
  const close = h("button", { type: "button", class: "cancel", onclick: () => dialog.close() }, "Cancel");
  const dialog = h("dialog", { class: "pasted", "aria-labelledby": "pasted-title" },
    h("form", { method: "dialog" }, h("h2", { id: "pasted-title" }, name), area,
      h("div", { class: "row" }, h("button", { value: "back" }, "Paste as text"), h("span", { class: "space" }), close,
        h("button", { value: "save", class: "primary" }, "Save"))));
  document.body.append(dialog);
  dialog.showModal();
  area.setSelectionRange(0, 0);
  area.focus();
  area.scrollTop = 0;
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue ? { text: area.value, back: dialog.returnValue === "back" } : null);
    }, { once: true });
  });
}
