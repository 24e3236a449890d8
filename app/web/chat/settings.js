/** What this browser remembers: key, look, thinking, and the system prompt of new chats. */

const STORE = "keepstream.settings";
const DEFAULTS = { key: "", system: "", model: "", thinking: false, theme: "auto" };

export class Settings {
  #values = { ...DEFAULTS };
  #dialog = document.querySelector("#settings");

  constructor() {
    try {
      Object.assign(this.#values, JSON.parse(localStorage.getItem(STORE) ?? "{}"));
    } catch {
      // Unreadable or forbidden: the defaults hold.
    }
    this.#apply();
  }

  get(name) {
    return this.#values[name];
  }

  set(name, value) {
    this.#values[name] = value;
    try {
      localStorage.setItem(STORE, JSON.stringify(this.#values));
    } catch {
      // It holds for as long as the page is open.
    }
    this.#apply();
  }

  headers() {
    return this.#values.key ? { "x-api-key": this.#values.key } : {};
  }

  /** Shows the dialog; resolves when it is closed. `system` is the open chat's, or undefined where none is open. */
  edit(system) {
    const form = this.#dialog.querySelector("form");
    const { elements } = form;
    for (const name of ["key", "theme"]) elements[name].value = this.#values[name];
    elements.thinking.checked = this.#values.thinking;
    elements.system.value = this.#values.system;
    elements.here.value = system ?? "";
    elements.here.closest("label").hidden = system === undefined;
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        const saved = this.#dialog.returnValue === "save";
        if (saved) {
          for (const name of ["key", "theme", "system"]) this.set(name, elements[name].value.trim());
          this.set("thinking", elements.thinking.checked);
        }
        resolve(saved ? { system: elements.here.value.trim() || null } : null);
      }, { once: true });
    });
  }

  #apply() {
    const { theme } = this.#values;
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset.theme = theme;
  }
}
