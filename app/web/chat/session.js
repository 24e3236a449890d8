/**
 * Who one is to this server, and what is left of one's limits. The rule: a key is typed once, opens a session, and is kept
 * nowhere: the session's cookie is the browser's alone, and no script can read it. What was asked for meanwhile waits, and
 * goes on by itself.
 */

/** That there is a session, so that one can end it: all that a script may know of it. */
export const SIGNED_IN = "keepstream.signed-in";
const KINDS = ["requests", "output-tokens"];

export class Session {
  #asking = null;
  #door = null;
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
    this.#oldKey = oldKey;
  }

  /** `fetch`; where the server wants to know who asks, the call is made again as soon as somebody has signed in. */
  fetch = async (...args) => {
    const began = performance.now();
    const answer = await fetch(...args);
    this.#look(answer.headers);
    if (answer.status !== 401) return answer;
    if (this.#since < began && !(await this.#in(args[1]?.signal))) return answer;
    return fetch(...args);
  };

  /** Somebody asks for something that needs a key: leads to where it is given. */
  wanted() {
    this.#door?.focus();
  }

  /** Whether one has signed in; false where nobody waits for that any more. */
  #in(signal) {
    this.#asking ??= this.#ask().catch(() => false).finally(() => (this.#asking = this.#door = null));
    if (!signal || signal.aborted) return signal ? false : this.#asking;
    return Promise.race([this.#asking, new Promise((resolve) => signal.addEventListener("abort", () => resolve(false)))]);
  }

  /**
   * Forgets the session, here and on the server, and begins anew. Throws where that is not reached.
   * @param {() => Promise<void>} forget what else this browser keeps that is nobody else's business
   */
  async signOut(forget) {
    const answer = await fetch("/session", { method: "DELETE" });
    if (!answer.ok) throw new Error(`Couldn’t sign you out (${answer.status}). Try again.`);
    this.#remember(false);
    await forget();
    location.reload();
  }

  get isOpen() {
    try {
      return localStorage.getItem(SIGNED_IN) !== null;
    } catch {
      return this.#since >= 0;
    }
  }

  /** What is left of the limits, as far as the server has told. */
  get limits() {
    return this.#left;
  }

  async #ask() {
    const { Door } = await import("/chat/door/door.js");
    const { open } = await import("/chat/door/opening.js");
    const key = this.#oldKey;
    this.#oldKey = "";
    this.#remember(false);
    if (!key || (await open(key)) !== null) {
      this.#door = new Door();
      await this.#door.opened();
    }
    this.#since = performance.now();
    this.#remember(true);
    this.#signedIn();
    return true;
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
