/**
 * Who one is to this server, and what is left of one's limits. The rule: a key is typed once, opens a session, and is kept
 * nowhere: the session's cookie is the browser's alone, and no script can read it. Whoever does not want to say who he is
 * is not asked again until he asks for something.
 */

import { cancels } from "/chat/dom.js";
import { remaining } from "/chat/words.js";

/** That there is a session, so that one can end it: all that a script may know of it. */
const SIGNED_IN = "keepstream.signed-in";
const KINDS = ["requests", "output-tokens"];

export class Session {
  #dialog = document.querySelector("#sign-in");
  #asking = null;
  #declined = false;
  #since = -1;
  #oldKey;
  #signedIn;
  #left = {};

  /**
   * @param {object} page
   * @param {() => void} page.signedIn is called when one has signed in
   * @param {string} page.oldKey what a page of before has kept in this browser: it opens a session, too
   */
  constructor({ signedIn, oldKey }) {
    this.#signedIn = signedIn;
    cancels(this.#dialog);
    this.#oldKey = oldKey;
  }

  /** `fetch`; where the server wants to know who asks, one is asked, and the call is made again. */
  fetch = async (...args) => {
    const began = performance.now();
    const answer = await fetch(...args);
    this.#look(answer.headers);
    if (answer.status !== 401) return answer;
    if (this.#since < began && (this.#declined || !(await this.signIn()))) return answer;
    return fetch(...args);
  };

  /** Somebody asks for something, and may be asked in turn. */
  wanted() {
    this.#declined = false;
  }

  /** Asks for a key until one opens a session; false where one does not want to. */
  signIn() {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** Forgets the session, here and on the server, and begins anew. Throws where that is not reached. */
  async signOut() {
    const answer = await fetch("/session", { method: "DELETE" });
    if (!answer.ok) throw new Error(`The server did not sign you out (${answer.status}). Try again.`);
    this.#remember(false);
    location.reload();
  }

  get isOpen() {
    try {
      return localStorage.getItem(SIGNED_IN) !== null;
    } catch {
      return this.#since >= 0;
    }
  }

  /** What is left of the limits, a sentence each, as far as the server has told. */
  remaining(now) {
    return remaining(this.#left, now);
  }

  async #ask() {
    let key = this.#oldKey;
    this.#oldKey = "";
    for (let note = ""; ; ) {
      key ||= await this.#typed(note);
      if (key === null) {
        this.#declined = true;
        return false;
      }
      note = await this.#open(key);
      if (note === null) break;
      key = "";
    }
    this.#since = performance.now();
    this.#remember(true);
    this.#signedIn();
    return true;
  }

  /** Opens a session; what keeps it from opening, or null. */
  async #open(key) {
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

  /** What is typed into the dialog, or null. */
  #typed(note) {
    const form = this.#dialog.querySelector("form");
    const said = form.querySelector("[role=alert]");
    said.textContent = note;
    said.hidden = !note;
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    form.elements.key.focus();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        const key = form.elements.key.value.trim();
        form.reset();
        resolve(this.#dialog.returnValue === "in" ? key : null);
      }, { once: true });
    });
  }

  #remember(open) {
    try {
      if (open) localStorage.setItem(SIGNED_IN, "");
      else localStorage.removeItem(SIGNED_IN);
    } catch {
      // It is known for as long as the page is open.
    }
  }

  #look(headers) {
    for (const kind of KINDS) {
      const [limit, left, reset] = ["limit", "remaining", "reset"].map((what) => headers.get(`anthropic-ratelimit-${kind}-${what}`));
      if (limit !== null && left !== null) this.#left[kind] = { limit: Number(limit), left: Number(left), reset: Date.parse(reset ?? "") };
    }
  }
}
