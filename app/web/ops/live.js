/**
 * The snapshots, one a second, over one connection. The rule: at any moment it is known how old the newest one is, and
 * why nothing newer comes; a connection that says nothing is as good as none.
 */

/** Without anything new for so long the numbers are old, and after so long the connection is given up. */
const OLD_MS = 3500;
const DEAD_MS = 10_000;
const RETRY_MS = [500, 1000, 2000, 4000];
const LOOK_MS = 250;

export class Live {
  #told;
  #refused;
  #abort = null;
  #wake = () => {};
  #heard = { at: 0, clock: 0 };
  #came = null;
  #tries = 0;
  #retryAt = 0;
  /** Why nothing newer comes: "unreachable", "empty" (who answers has no numbers) or "silent". */
  why = "silent";

  /**
   * @param {object} page
   * @param {(snapshot: object) => void} page.snapshot is given each one
   * @param {() => void} page.age is called when there is something to say about their age
   * @param {(status: number, message: string) => Promise<void>} page.refused resolves once it may be tried again
   */
  constructor({ snapshot, age, refused }) {
    this.#told = snapshot;
    this.#refused = refused;
    setInterval(() => {
      if (this.#abort && this.#silent() > DEAD_MS) this.#abort.abort();
      age();
    }, LOOK_MS);
    const now = () => document.visibilityState === "visible" && this.#wake();
    addEventListener("online", now);
    document.addEventListener("visibilitychange", now);
  }

  /** Milliseconds since the newest snapshot came; null before the first one. The longer of two clocks: one may sleep. */
  get age() {
    if (this.#came === null) return null;
    return Math.max(performance.now() - this.#came.at, Date.now() - this.#came.clock);
  }

  get old() {
    return this.age !== null && this.age > OLD_MS;
  }

  /** Milliseconds until it is tried again; 0 while it is being tried. */
  get wait() {
    return this.#retryAt ? Math.max(this.#retryAt - performance.now(), 0) : 0;
  }

  /** Never returns. */
  async follow() {
    for (;;) {
      try {
        await this.#read();
      } catch {
        // Cut, silent, or nobody is there: all the same to who looks at the board.
      }
      await this.#pause(RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)]);
    }
  }

  async #read() {
    this.#abort = new AbortController();
    this.#hear();
    try {
      const answer = await fetch("/ops/events", { headers: { accept: "text/event-stream" }, signal: this.#abort.signal }).catch((error) => {
        this.why = "unreachable";
        throw error;
      });
      this.why = "empty";
      if (answer.status === 401 || answer.status === 403) {
        const { error } = await answer.json().catch(() => ({}));
        this.#abort = null;
        await this.#refused(answer.status, error?.message ?? "");
        this.#tries = 0;
        return;
      }
      if (!answer.ok) return;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = "", data = ""; ;) {
        const { done, value } = await reader.read();
        if (done) return;
        this.#hear();
        this.why = "silent";
        const lines = (rest + value).split(/\r\n|\n/);
        rest = lines.pop();
        for (const line of lines) {
          if (line.startsWith("data:")) data += line.slice(5).trimStart();
          else if (line === "" && data) {
            this.#tries = 0;
            this.#came = { ...this.#heard };
            this.#told(JSON.parse(data));
            data = "";
          }
        }
      }
    } finally {
      this.#abort?.abort();
      this.#abort = null;
    }
  }

  #hear() {
    this.#heard = { at: performance.now(), clock: Date.now() };
  }

  #silent() {
    return Math.max(performance.now() - this.#heard.at, Date.now() - this.#heard.clock);
  }

  async #pause(ms) {
    this.#retryAt = performance.now() + ms;
    await new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, ms);
    });
    this.#retryAt = 0;
  }
}
