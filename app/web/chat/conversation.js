/**
 * One conversation: keeps the page at what the server has, and says things in it.
 *
 * The rule: one connection at a time. While an answer runs its stream is read, otherwise the conversation's own events;
 * whatever happened meanwhile is read from where it was left. A tab that nobody sees lets go, and comes back to the very
 * byte (browsers allow six connections to a server, over all tabs).
 */

import { Broken, isPassing, KeepstreamError } from "/keepstream.js";
import { Pace } from "/chat/pace.js";
import { left } from "/chat/words.js";

/** So long a tab may be hidden before it lets go. */
const HIDDEN_MS = 5000;
const AGAIN_MS = 2000;
/** A connection that is back so soon was never missed. */
const GRACE_MS = 600;

export class Conversation {
  id;
  title = null;
  system = null;
  model = null;
  /** The conversation that this one was branched off: `{ id, at }`, or null. */
  origin = null;
  /** The stream that runs: `{ stream, answer }`, or null. */
  running = null;
  #client;
  #messages;
  #page;
  #offset = "";
  /** Whether the page shows it as it is, but for what comes; and who waits for that. */
  #known = false;
  #shown = null;
  /** How far the running stream was read, and which streams have ended. */
  #place = "";
  #over = new Set();
  #closed = false;
  #asked = false;
  #phase = new AbortController();
  #sending = Promise.resolve();
  #hidden = null;
  #hiddenAt = null;
  #ticking = null;
  #lost = null;
  /** Our own stream, whose story is told already: what leads to it is skipped. */
  #told = null;

  /**
   * @param {object} parts
   * @param {import("/keepstream.js").Keepstream} parts.client
   * @param {import("/chat/messages.js").Messages} parts.messages
   * @param {object} parts.page hears `changed()`, `answered(path)`, `trouble(error)`, `connection(text | null)`, `announce`
   * @param {string} id
   */
  constructor({ client, messages, page }, id) {
    this.#client = client;
    this.#messages = messages;
    this.#page = page;
    this.id = id;
  }

  get path() {
    return `/v1/conversations/${encodeURIComponent(this.id)}`;
  }

  /** Whether the page shows what was said in it. */
  get isKnown() {
    return this.#known;
  }

  /** Follows it until `close`. */
  async follow({ fresh = false } = {}) {
    document.addEventListener("visibilitychange", this.#seen);
    this.#known = fresh;
    while (!this.#closed) {
      await this.#visible();
      this.#phase = new AbortController();
      try {
        if (!this.#known) await this.#load();
        this.#known = true;
        this.#shown?.();
        if (this.#closed) return;
        this.#known = await (this.running ? this.#read() : this.#listen());
        this.#connection(null);
      } catch (error) {
        if (this.#closed) return;
        if (this.#phase.signal.aborted) continue;
        if (!isPassing(error) && error.status !== 429) {
          if (error instanceof KeepstreamError) return this.#page.trouble(error);
          throw error; // a fault of ours, which no other connection mends
        }
        await this.#pause(error.retryAfter ? error.retryAfter * 1000 : AGAIN_MS);
      }
    }
  }

  close() {
    this.#closed = true;
    this.#phase.abort();
    clearTimeout(this.#hidden);
    this.#connection(null);
    document.removeEventListener("visibilitychange", this.#seen);
  }

  /**
   * Says something: the body of `POST …/messages`. Resolves when it was accepted; throws what refused it.
   * @param {object} body
   * @param {{ settle: (id: string) => void, withdraw: () => void } | null} pending what the page shows until then
   * @param {object} options as of `Keepstream.submit`
   */
  send(body, pending, options) {
    const sent = (async () => {
      try {
        const accepted = await this.#client.submit(body, { path: `${this.path}/messages`, ...options });
        if (this.#closed) return; // the page shows another one
        if ("after" in body) this.#messages.removeAfter(body.after);
        else if (body.regenerate) this.#messages.removeAfter(accepted.message_id);
        pending?.settle(accepted.message_id);
        this.#told = accepted.id;
        this.#start(accepted.id, accepted.answer_id);
        // The loop goes on with the stream.
        this.#phase.abort();
      } catch (error) {
        pending?.withdraw();
        throw error;
      }
    })();
    // What others say meanwhile waits until it is known which of it is ours.
    this.#sending = sent.catch(() => {});
    return sent;
  }

  /** Does what a button stands for, told whether this is still open; false where that is under way: two clicks mean one. */
  async once(does) {
    if (this.#asked) return false;
    this.#asked = true;
    try {
      return await does(() => !this.#closed);
    } finally {
      this.#asked = false;
    }
  }

  /** Stops the answer, for everybody. */
  async stop() {
    if (!this.running) return;
    await this.#client.cancel(this.running.stream);
  }

  /** Begins with the whole of it again; resolves when that is shown. */
  refresh() {
    this.#known = false;
    this.#phase.abort();
    return new Promise((resolve) => (this.#shown = resolve));
  }

  async #load() {
    const { signal } = this.#phase;
    const answer = await this.#client.request(this.path, { signal, cache: "no-store" });
    const found = await answer.json().catch((error) => {
      throw new Broken(error.message);
    });
    await this.#sending;
    if (signal.aborted) throw signal.reason; // what is ours is accepted, and more than was found
    this.#describe(found);
    this.origin = found.forked_from ?? null;
    this.#offset = found.offset;
    this.#told = null;
    this.#messages.show(found.messages, found.answer_id);
    if (found.stream_id && !this.#over.has(found.stream_id)) {
      if (this.running?.stream !== found.stream_id) this.#start(found.stream_id, found.answer_id);
    } else {
      this.running = null;
    }
    this.#page.changed();
  }

  #describe({ title, system, model }) {
    Object.assign(this, { title, system, model });
  }

  #start(stream, answer) {
    this.running = { stream, answer };
    this.#place = "";
    const writing = this.#messages.writing(answer);
    writing.say("Waiting", { busy: true });
    writing.onText = (text) => this.#page.announce.add(text);
    writing.onNews = (word) => this.#page.announce.say(word);
    writing.onVerdict = (id, verdict) => this.#client.call("POST", `/v1/streams/${stream}/tools/${encodeURIComponent(id)}`, verdict);
    this.#page.changed();
  }

  /** Reads the stream that runs, to its ending. False: begin with the whole of the conversation again. */
  async #read() {
    const { stream, answer } = this.running;
    const writing = this.#messages.writing(answer);
    const { signal } = this.#phase;
    const onState = (state, ms) => this.#onState(state, ms);
    const pace = new Pace();
    let end = null;
    try {
      for await (const { type, data, id } of this.#client.events(stream, { after: this.#place, signal, onState })) {
        if (id || type === "relay.reset") this.#place = id;
        if (type === "relay.reset") this.#page.announce.drop();
        if (type === "relay.end") end = data;
        else writing.take(type, data);
        await pace.rest();
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof KeepstreamError) || error.status >= 500) throw error;
      if (error.status !== 404 && error.status !== 410) throw error;
      // Redis has lost it, or it is long over: the conversation knows what became of it.
    }
    this.#over.add(stream);
    this.running = null;
    if (end) {
      this.#messages.ended(answer, end);
      if (end.outcome === "completed") this.#page.answered(this.path);
      this.#page.announce.end(end.outcome === "completed" ? "End of the answer." : "The answer ended early.");
    }
    this.#page.changed();
    return end !== null;
  }

  /** Reads what happens in the conversation until a stream starts. False: begin with the whole of it again. */
  async #listen() {
    const { signal } = this.#phase;
    const onState = (state, ms) => this.#onState(state, ms);
    for await (const { type, data, id } of this.#client.follow(`${this.path}/events`, { after: this.#offset, signal, onState })) {
      await this.#sending;
      if (signal.aborted) return true;
      if (id) this.#offset = id;
      if (this.#told !== null && type !== "conversation.updated") {
        if (type === "stream.started" && data.stream_id === this.#told) this.#told = null;
        else if (type === "message.added" && !this.#messages.has(data.message.id)) return false;
        else if (type === "message.added") this.#messages.add(data.message); // it has its versions now
        else if (type === "relay.reset" || type === "conversation.deleted") this.#told = null;
        if (type !== "relay.reset" && type !== "conversation.deleted") continue;
      }
      switch (type) {
        case "conversation.updated":
          this.#describe(data);
          this.#page.changed();
          break;
        case "message.added":
          if (data.message.content === null && !this.#messages.has(data.message.id)) return false;
          this.#messages.add(data.message);
          this.#page.changed();
          break;
        case "messages.removed":
          this.#messages.removeAfter(data.after);
          break;
        case "stream.started":
          if (this.#over.has(data.stream_id)) break;
          this.#start(data.stream_id, data.answer_id);
          return true;
        case "conversation.deleted":
          throw new KeepstreamError(410, "not_found_error", "the conversation was deleted");
        case "relay.reset":
          return false;
      }
    }
    return false;
  }

  #onState(state, ms) {
    if (state === "open") this.#connection(null);
    if (state === "waiting") this.#connection(ms);
  }

  /** Says that there is no connection and when it is tried again; null: there is one. */
  #connection(ms) {
    clearInterval(this.#ticking);
    const writing = this.running && this.#messages.writing(this.running.answer);
    const show = (text) => {
      writing?.connection(text && `Connection lost. ${text}`);
      this.#page.connection(text);
    };
    if (ms === null) {
      this.#lost = null;
      return show(null);
    }
    const now = performance.now();
    this.#lost ??= now;
    const until = now + ms;
    this.#ticking = setInterval(() => {
      // A server that sends its readers elsewhere is back at once: nothing to talk about.
      if (performance.now() - this.#lost < GRACE_MS) return;
      const rest = until - performance.now();
      show(rest > 0 ? `Reconnecting in ${left(rest)}` : "Reconnecting");
    }, 250);
  }

  #pause(ms) {
    this.#connection(ms);
    const { signal } = this.#phase;
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        for (const name of ["online", "pageshow"]) removeEventListener(name, go);
        document.removeEventListener("visibilitychange", go);
        resolve();
      };
      const timer = setTimeout(go, ms);
      signal.addEventListener("abort", go);
      for (const name of ["online", "pageshow"]) addEventListener(name, go);
      document.addEventListener("visibilitychange", go);
    });
  }

  #seen = () => {
    clearTimeout(this.#hidden);
    if (document.hidden) {
      this.#hiddenAt = Date.now();
      this.#hidden = setTimeout(() => this.#phase.abort(), HIDDEN_MS);
    } else if (this.#hiddenAt !== null && Date.now() - this.#hiddenAt > HIDDEN_MS) {
      this.#phase.abort(); // the machine slept, and its timers with it
    }
  };

  #visible() {
    if (!document.hidden) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (document.hidden && !this.#closed) return;
        document.removeEventListener("visibilitychange", look);
        resolve();
      };
      document.addEventListener("visibilitychange", look);
    });
  }
}
