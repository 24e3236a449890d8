/** What this browser remembers: look, keys, how to answer, and the system prompt of new chats. No key: see `session.js`. */

const STORE = "keepstream.settings";
/** Thinking, effort and length are empty where the model and the server are to decide; `tools` are names, by chats. */
const DEFAULTS = { system: "", model: "", thinking: "", effort: "", length: "", tools: {}, enter: true, theme: "auto" };

export class Settings {
  #values = { ...DEFAULTS };
  /** What a page of before has kept of a key; it is not kept any more. */
  oldKey = "";

  constructor() {
    try {
      this.oldKey = this.#read();
      if (this.oldKey) this.#keep();
    } catch {
      // Unreadable or forbidden: the defaults hold.
    }
    this.#apply();
    // What another tab has set holds here too: else it would be written over.
    addEventListener("storage", ({ key }) => {
      if (key !== STORE) return;
      this.#read();
      this.#apply();
    });
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

  #read() {
    const { key = "", ...values } = JSON.parse(localStorage.getItem(STORE) ?? "{}");
    this.#values = { ...DEFAULTS, ...values };
    if (typeof values.thinking === "boolean") this.#values.thinking = values.thinking ? "on" : ""; // a page of before
    return key;
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
