/**
 * Who may see the board. The rule: a key is typed once, opens a session, and is kept nowhere; who is not let in is told why
 * and what would help.
 */

import { cancels } from "/chat/dom.js";
import { open } from "/chat/door/opening.js";

const WHY = {
  401: "This board is for operators. It opens by itself on the server’s own machine. From anywhere else, sign in with an admin key.",
  403: "You’re signed in, but your key isn’t an admin key. To make one, run: keepstream keys add NAME --admin",
};

export class Door {
  #dialog = document.querySelector("#sign-in");
  #form = this.#dialog.querySelector("form");
  #asking = null;

  constructor() {
    cancels(this.#dialog);
  }

  /** Asks for a key until one opens a session, or until one does not want to. */
  ask(status, message) {
    this.#asking ??= this.#ask(WHY[status] ?? message).finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask(why) {
    document.querySelector("#why").textContent = why;
    for (let note = ""; ;) {
      const key = await this.#typed(note);
      if (key === null) return false;
      note = await open(key);
      if (note === null) return true;
    }
  }

  #typed(note) {
    const said = this.#form.querySelector("[role=alert]");
    said.textContent = note;
    said.hidden = !note;
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#form.elements.key.focus();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        const key = this.#form.elements.key.value.trim();
        this.#form.reset();
        resolve(this.#dialog.returnValue === "in" ? key : null);
      }, { once: true });
    });
  }
}
