/** What this browser remembers: look, keys, how to answer, and the system prompt of new chats. No key: see `session.js`. */

import { cancels, h } from "/chat/dom.js";

const STORE = "keepstream.settings";
/** Thinking, effort and length are empty where the model and the server are to decide. */
const DEFAULTS = { system: "", model: "", thinking: "", effort: "", length: "", enter: true, theme: "auto" };

export class Settings {
  #values = { ...DEFAULTS };
  #dialog = document.querySelector("#settings");
  /** What a page of before has kept of a key; it is not kept any more. */
  oldKey = "";

  constructor() {
    try {
      const { key = "", ...values } = JSON.parse(localStorage.getItem(STORE) ?? "{}");
      Object.assign(this.#values, values);
      if (typeof values.thinking === "boolean") this.#values.thinking = values.thinking ? "on" : ""; // a page of before
      this.oldKey = key;
      if (key) this.#keep();
    } catch {
      // Unreadable or forbidden: the defaults hold.
    }
    cancels(this.#dialog);
    this.#apply();
  }

  get(name) {
    return this.#values[name];
  }

  set(name, value) {
    this.#values[name] = value;
    try {
      this.#keep();
    } catch {
      // It holds for as long as the page is open.
    }
    this.#apply();
  }

  /**
   * Shows the dialog; resolves when it is closed. `system` is the open chat's, or undefined where none is open.
   * @param {string | undefined} system
   * @param {object} of
   * @param {string[]} of.remaining what is left of one's limits
   * @param {boolean} of.signedIn
   */
  edit(system, { remaining, signedIn }) {
    const form = this.#dialog.querySelector("form");
    const { elements } = form;
    this.#dialog.querySelector("#remaining").replaceChildren(...remaining.map((text) => h("p", {}, text)));
    this.#dialog.querySelector("#sign-out").hidden = !signedIn;
    elements.theme.value = this.#values.theme;
    elements.enter.checked = this.#values.enter;
    elements.system.value = this.#values.system;
    elements.here.value = system ?? "";
    elements.here.closest("label").hidden = system === undefined;
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        const saved = this.#dialog.returnValue === "save";
        if (saved) {
          for (const name of ["theme", "system"]) this.set(name, elements[name].value.trim());
          this.set("enter", elements.enter.checked);
        }
        resolve(saved ? { system: elements.here.value.trim() || null } : null);
      }, { once: true });
    });
  }

  #keep() {
    localStorage.setItem(STORE, JSON.stringify(this.#values));
  }

  #apply() {
    const { theme, enter } = this.#values;
    document.documentElement.dataset.enter = enter ? "sends" : "breaks";
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset.theme = theme;
  }
}
