/**
 * Who may see the board. The rule: a key is typed once, opens a session, and is kept nowhere; who is not let in is told why
 * and what would help.
 */

import { cancels } from "/chat/dom.js";

const WHY = {
  401: "This board is for operators. On the server's own machine it opens by itself; from elsewhere it wants a key with the right “admin”.",
  403: "You are signed in, but your key has not the right “admin”. Another one may: keepstream keys add NAME --admin makes one.",
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

/** Opens a session; what keeps it from opening, or null. */
async function open(key) {
  if (!/^[!-~]+$/.test(key)) return "A key has only letters, digits and signs of a plain keyboard.";
  let answer;
  try {
    answer = await fetch("/session", { method: "POST", headers: { authorization: `Bearer ${key}` } });
  } catch {
    return "The server cannot be reached. Try again.";
  }
  if (answer.ok) return null;
  const { error } = await answer.json().catch(() => ({}));
  return answer.status === 401 ? "This server does not know that key." : (error?.message ?? `The server had an error (${answer.status}).`);
}
