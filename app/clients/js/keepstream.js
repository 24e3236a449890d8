/**
 * Keepstream for browsers and Node: submit a prompt, read its events, survive everything in between.
 *
 *     import { Keepstream } from "/keepstream.js";
 *
 *     const keepstream = new Keepstream({ key });
 *     const { id } = await keepstream.submit({ prompt: "Hello" });
 *     for await (const { type, data } of keepstream.events(id)) {
 *       if (type === "relay.reset") text = "";
 *       if (data.delta?.type === "text_delta") text += data.delta.text;
 *     }
 *
 * The rule: `events` ends only after the stream's ending, or throws; a connection that ends, breaks or falls silent is
 * opened again after the last event that was handed out. It knows nothing of pages and keeps nothing but that place.
 */

/** Nothing for so long, not even a ping (they come after 15 s), is a dead connection. */
const SILENCE_MS = 30_000;
const RETRY_MS = 1000;
const RETRY_MS_MAX = 30_000;
/** A connection that was silent for so long when its page or its machine wakes up may be dead, and nobody says so. */
const AWAKE_MS = 5000;
const BEAT_MS = 1000;
/** A submit is safe to repeat, because it carries an Idempotency-Key. */
const SUBMIT_TRIES = 5;

/**
 * What a server has refused for good, or a stream that is lost.
 *
 * `status` is HTTP's, `type` the Claude API's (`not_found_error`, …), `retryAfter` the seconds to wait, if it said.
 */
export class KeepstreamError extends Error {
  constructor(status, type, message, { requestId = null, retryAfter = null } = {}) {
    super(message);
    Object.assign(this, { name: "KeepstreamError", status, type, requestId, retryAfter });
  }
}

/**
 * One event. `data` is parsed; `id` is the place behind it, empty where it does not move the place (`relay.status`).
 * @typedef {{ type: string, data: any, id: string }} StreamEvent
 */

export class Keepstream {
  #given;

  /**
   * @param {object} [options]
   * @param {string} [options.base] where Keepstream is, without a slash at the end; the page's own origin if left out
   * @param {string | (() => string | Promise<string>)} [options.key] a key or token, or what gives one each time
   * @param {HeadersInit | (() => HeadersInit | Promise<HeadersInit>)} [options.headers] likewise
   * @param {typeof fetch} [options.fetch]
   */
  constructor({ base = "", key, headers = {}, fetch = (...args) => globalThis.fetch(...args) } = {}) {
    this.#given = { base, key, headers, fetch };
  }

  /**
   * Submits a prompt: `{ prompt: "…" }`, or a body of the Messages API. Tries again when the network or the server
   * fails; that makes one stream only.
   * @param {object} body
   * @param {object} [options]
   * @param {string} [options.path] where to, such as a conversation's messages
   * @param {string} [options.idempotencyKey]
   * @param {number} [options.tries] how often at the most
   * @param {AbortSignal} [options.signal]
   * @param {(state: "connecting" | "waiting", waitMs?: number) => void} [options.onState]
   * @returns {Promise<{ id: string, state: string, events_url: string, cancel_url: string }>}
   */
  async submit(body, options = {}) {
    const { path = "/v1/streams", idempotencyKey = randomKey(), tries = SUBMIT_TRIES, signal, onState } = options;
    const headers = { "content-type": "application/json", "idempotency-key": idempotencyKey };
    const init = { method: "POST", headers, body: JSON.stringify(body), signal };
    for (let tried = 1; ; tried++) {
      onState?.("connecting");
      try {
        return await (await this.request(path, init)).json();
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (isFinal(error) || !isPassing(error) || tried >= tries) throw error;
        const wait = backOff(RETRY_MS, tried, error.retryAfter);
        onState?.("waiting", wait);
        await pause(wait, signal);
      }
    }
  }

  /**
   * The events of a stream from its newest attempt's start, or after the event whose id is `after`, to its ending.
   *
   * After `relay.reset` forget what came before: everything of the newest attempt follows. `relay.end` comes last; a
   * stream that had ended at `after` gives nothing. Throws `KeepstreamError` for what is final (a 4xx, a lost stream)
   * and the signal's reason when aborted. Leaving the loop closes the connection and lets the stream run on.
   * @param {string} id
   * @param {object} [options]
   * @param {string} [options.after]
   * @param {string} [options.ticket] in place of a key
   * @param {AbortSignal} [options.signal]
   * @param {(state: "connecting" | "open" | "waiting", waitMs?: number) => void} [options.onState]
   * @returns {AsyncGenerator<StreamEvent, void, void>}
   */
  events(id, options) {
    return this.follow(pathOf(id, "events", options), options);
  }

  /**
   * `events` of whatever has them, such as a conversation or an `events_url`: the path is all that differs.
   * @param {string} path
   * @param {{ after?: string, signal?: AbortSignal, onState?: Function }} [options]
   * @returns {AsyncGenerator<StreamEvent, void, void>}
   */
  async *follow(path, { after = "", signal, onState } = {}) {
    let retry = RETRY_MS;
    for (let failures = 0; ; ) {
      let wait = null;
      onState?.("connecting");
      const connection = new Connection(signal);
      try {
        const response = await this.request(path, {
          headers: { accept: "text/event-stream", ...(after && { "last-event-id": after }) },
          cache: "no-store",
          signal: connection.signal,
        });
        if (response.status === 204) return;
        onState?.("open");
        for await (const event of parse(response.body, connection)) {
          if (event.retry !== undefined) {
            retry = event.retry;
            continue;
          }
          failures = 0;
          // A reset that is not of the log voids the place too.
          if (event.id || event.type === "relay.reset") after = event.id;
          yield event;
          if (event.type === "relay.end") return;
          if (event.type === "relay.reset" && event.data.reason === "lost") {
            throw new KeepstreamError(410, "not_found_error", "the stream was lost");
          }
        }
        wait = retry;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (isFinal(error) || !isPassing(error)) throw error;
        if (connection.woken) failures = 0;
        wait = connection.woken ? 0 : backOff(retry, ++failures, error.retryAfter);
      } finally {
        connection.close();
      }
      onState?.("waiting", wait);
      await pause(wait, signal);
    }
  }

  /** Cancels a stream for everybody; it ends as `cancelled` unless it had ended. @param {string} id */
  async cancel(id) {
    return (await this.request(pathOf(id, "cancel"), { method: "POST" })).json();
  }

  /** The finished Message of a stream; throws its error where there is none. @param {{ ticket?: string }} [options] */
  async message(id, options) {
    return (await this.request(pathOf(id, "message", options))).json();
  }

  /**
   * One call of the HTTP interface: `fetch` with this client's base and headers. Throws `KeepstreamError` for any
   * answer but a 2xx, and another error when none came.
   * @param {string} path
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   */
  async request(path, init = {}) {
    const { base, fetch, ...given } = this.#given;
    const now = (one) => (typeof one === "function" ? one() : one);
    const [headers, key] = [new Headers(await now(given.headers)), await now(given.key)];
    if (key) headers.set("authorization", `Bearer ${key}`);
    for (const [name, value] of Object.entries(init.headers ?? {})) headers.set(name, value);
    let response;
    try {
      response = await fetch(base + path, { ...init, headers });
    } catch (error) {
      throw new Broken(error);
    }
    if (response.ok) return response;
    const { error = {}, request_id } = await response.json().catch(() => ({}));
    throw new KeepstreamError(response.status, error.type ?? "api_error", error.message ?? response.statusText, {
      requestId: request_id ?? response.headers.get("request-id"),
      retryAfter: Number(response.headers.get("retry-after")) || null,
    });
  }
}

/** A connection that could not be made, broke, or fell silent. */
class Broken extends Error {
  constructor(cause) {
    super(cause?.message ?? "the connection broke", { cause });
  }
}

/** One connection's life: aborted by its user, by silence, or by waking up beside it. */
class Connection {
  /** Whether it was given up because its page or its machine woke up: there is no reason to wait before the next. */
  woken = false;
  #controller = new AbortController();
  #outer;
  #timer;
  #heardAt = Date.now();
  #unwatch;

  constructor(outer) {
    this.#outer = outer;
    if (outer?.aborted) this.#stop();
    outer?.addEventListener("abort", this.#stop);
    this.#unwatch = onWake(this.#wake);
    this.listen();
  }

  get signal() {
    return this.#controller.signal;
  }

  #stop = () => this.#controller.abort();

  #wake = () => {
    if (this.#timer === null || Date.now() - this.#heardAt < AWAKE_MS) return;
    this.woken = true;
    this.#stop();
  };

  /** From now on silence counts. */
  listen() {
    clearTimeout(this.#timer);
    this.#heardAt = Date.now();
    this.#timer = setTimeout(this.#stop, SILENCE_MS);
  }

  /** Something came: however long its reader takes, that is no silence. */
  heard() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  close() {
    this.heard();
    this.#unwatch();
    this.#outer?.removeEventListener("abort", this.#stop);
    this.#stop();
  }
}

/** The events of a body, and `{ retry }` for each `retry:`. What an end cuts off is no event. */
async function* parse(body, connection) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let [type, data, id] = ["", [], ""];
  for (;;) {
    connection.listen();
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      throw new Broken(error);
    }
    connection.heard();
    if (part.done) return;
    const text = decoder.decode(part.value, { stream: true });
    rest += text;
    if (!/[\r\n]/.test(text)) continue;
    // A carriage return at the very end may be half of a line's end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length) yield { type: type || "message", data: JSON.parse(data.join("\n")), id };
        [type, data, id] = ["", [], ""];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "event") type = value;
      else if (field === "data") data.push(value);
      else if (field === "id") id = value;
      else if (field === "retry" && /^\d+$/.test(value)) yield { retry: Number(value) };
    }
  }
}

/** Refused for good: any 4xx but a time-out. (429 too: only a person knows whether waiting is worth it.) */
function isFinal(error) {
  return error instanceof KeepstreamError && error.status < 500 && error.status !== 408;
}

function isPassing(error) {
  return error instanceof Broken || error instanceof KeepstreamError;
}

/** Doubling with jitter, so that many clients do not come back as one; never sooner than the server said. */
function backOff(retry, failures, retryAfter) {
  const longest = Math.min(RETRY_MS_MAX, retry * 2 ** (failures - 1));
  return Math.max(longest * (0.5 + Math.random() / 2), (retryAfter ?? 0) * 1000);
}

/**
 * Calls `woke` when a page is seen or shown again, when there is a network again, and when a machine that slept goes on:
 * its timers stood still while the clock did not. Returns what ends it.
 */
function onWake(woke) {
  const { document } = globalThis;
  const seen = () => document.visibilityState === "visible" && woke();
  let last = Date.now();
  const beat = setInterval(() => {
    const slept = Date.now() - last - BEAT_MS;
    last = Date.now();
    if (slept > AWAKE_MS && document?.visibilityState !== "hidden") woke(); // in a hidden tab timers are late by habit
  }, BEAT_MS);
  document?.addEventListener("visibilitychange", seen);
  for (const name of ["online", "pageshow"]) globalThis.addEventListener?.(name, woke);
  return () => {
    clearInterval(beat);
    document?.removeEventListener("visibilitychange", seen);
    for (const name of ["online", "pageshow"]) globalThis.removeEventListener?.(name, woke);
  };
}

/** Waits, or goes on at once when its page or its machine wakes up. */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const done = (settle) => () => {
      clearTimeout(timer);
      unwatch();
      signal?.removeEventListener("abort", stop);
      settle();
    };
    const go = done(resolve);
    const stop = done(() => reject(signal.reason));
    const timer = setTimeout(go, ms);
    const unwatch = onWake(go);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
  });
}

function pathOf(id, what, { ticket } = {}) {
  return `/v1/streams/${encodeURIComponent(id)}/${what}${ticket ? `?ticket=${encodeURIComponent(ticket)}` : ""}`;
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
