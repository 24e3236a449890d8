/**
 * Who one is to this server, and what is left of one's limits. The rule: a key is typed once, opens a session, and is kept
 * nowhere: the session's cookie is the browser's alone, and no script can read it. What was asked for meanwhile waits, and
 * goes on by itself.
 */

/** That there is a session, so that one can end it: all that a script may know of it. */
export const SIGNED_IN = "keepstream.signed-in";
/** Whose session that is, or was until it ran out: a digest of the server's, by which the same account is known. */
export const OWNER = "keepstream.owner";
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
    // In another tab one has signed out, or somebody else in.
    addEventListener("storage", ({ key, oldValue }) => key === OWNER && oldValue !== null && location.reload());
  }

  /** `fetch`; where the server wants to know who asks, the call is made again as soon as one has signed in. */
  fetch = async (...args) => {
    const began = performance.now();
    const answer = await fetch(...args);
    this.#look(answer.headers);
    if (answer.status !== 401) return answer;
    const { signal, connection } = args[1] ?? {};
    if (this.#since < began) {
      connection?.heard(); // however long somebody looks for a key, that is no silence
      if (!(await this.#in(signal))) return answer;
      connection?.listen();
    }
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

  /** Forgets the session, here and on the server, and begins anew. Throws where that is not reached. */
  async signOut() {
    await (await import("/chat/door/forgetting.js")).leave();
  }

  get isOpen() {
    return kept(SIGNED_IN) !== null;
  }

  /** What is left of the limits, as far as the server has told. */
  get limits() {
    return this.#left;
  }

  async #ask() {
    const { enter } = await import("/chat/door/door.js");
    const key = this.#oldKey;
    this.#oldKey = "";
    await enter(key, (door) => (this.#door = door));
    this.#since = performance.now();
    this.#signedIn();
    return true;
  }

  #look(headers) {
    for (const kind of KINDS) {
      const [limit, left, reset] = ["limit", "remaining", "reset"].map((what) => headers.get(`anthropic-ratelimit-${kind}-${what}`));
      if (limit !== null && left !== null) this.#left[kind] = { limit: Number(limit), left: Number(left), reset: Date.parse(reset ?? "") };
    }
  }
}

export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
