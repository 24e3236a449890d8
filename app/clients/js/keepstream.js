/**
 * Keepstream for browsers and Node: submit a prompt, read its events, survive everything in between.
 *
 * The rule: `events` ends only after the stream's ending, or throws; a connection that ends, breaks or falls silent is
 * opened again after the last event that was handed out. What is long is told in shapes.js.
 *
 * @import { Accepted, Body, CallOptions, ErrorMore, EventsOptions, FollowOptions, KeepstreamOptions, Message, SendOptions,
 *   Stream, StreamEvent, SubmitOptions, TicketOptions } from "./shapes.js"
 */

/** Pings come every 15 s. */
const SILENCE_MS = 30_000;
const RETRY_MS = 1000;
const RETRY_MS_MAX = 30_000;
/** Silent for so long when its page or machine wakes up, a connection may be dead. */
const AWAKE_MS = 5000;
const BEAT_MS = 1000;
/** Safe, by its Idempotency-Key. */
const SUBMIT_TRIES = 5;
/** Before a token or ticket ends. */
const RENEW_MS = 30_000;

/** What the server refused for good, or a stream that is lost; `retryAfter` in seconds. */
export class KeepstreamError extends Error {
  /** @param {number} status @param {string} type @param {string} message @param {ErrorMore} [more] */
  constructor(status, type, message, { requestId = null, retryAfter = null } = {}) {
    super(message);
    this.name = "KeepstreamError";
    this.status = status;
    this.type = type;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

export class Keepstream {
  #given;
  #asked;

  /** @param {KeepstreamOptions} [options] */
  constructor({ base = "", fetch = (...args) => globalThis.fetch(...args), ...given } = {}) {
    this.#given = { base, fetch, ...given };
  }

  /**
   * Submits a prompt, or a body of the Messages API. Tries again when network or server fail: one stream only.
   * @param {string | Body} body @param {SubmitOptions} [options] @returns {Promise<Accepted & Partial<Stream>>}
   */
  async submit(body, options = {}) {
    const { path = "/v1/streams", idempotencyKey = randomKey(), tries = SUBMIT_TRIES, signal, onState } = options;
    const [to, headers] = [path + (options.wait ? `?wait=${options.wait}` : ""), { "idempotency-key": idempotencyKey }];
    for (let tried = 1; ; tried++) {
      onState?.("connecting");
      try {
        return await this.call("POST", to, typeof body === "string" ? { prompt: body } : body, { signal, headers });
      } catch (error) {
        if (!isPassing(error) || tried >= tries) throw error;
        const wait = backOff(RETRY_MS, tried, error.retryAfter);
        onState?.("waiting", wait);
        await pause(wait, signal);
      }
    }
  }

  /**
   * The events of a stream to its ending, `relay.end`. After `relay.reset` forget what came before. Leaving the loop lets
   * the stream run on.
   * @param {string} id @param {EventsOptions} [options] @returns {AsyncGenerator<StreamEvent, void, void>}
   */
  events(id, options) {
    return this.follow(pathOf(id, "events", options), options);
  }

  /**
   * `events` of whatever has them, such as an `events_url`.
   * @template [Event=StreamEvent]
   * @param {string} path @param {FollowOptions} [options] @returns {AsyncGenerator<Event, void, void>}
   */
  async *follow(path, { after = "", partial, signal, onState } = {}) {
    let retry = RETRY_MS;
    for (let failures = 0; ; ) {
      let wait = null;
      onState?.("connecting");
      const connection = connect(signal);
      try {
        const response = await this.request(partial ? `${path}${path.includes("?") ? "&" : "?"}partial=1` : path, {
          headers: { accept: "text/event-stream", ...(after && { "last-event-id": after }) },
          cache: "no-store",
          ...{ signal: connection.signal, connection }, // a `fetch` that asks a person meanwhile says that it `heard`
        });
        if (response.status === 204) return;
        onState?.("open");
        for await (const event of parse(response.body, connection)) {
          if ("retry" in event) {
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
        if (!connection.signal.aborted && !isPassing(error)) throw error;
        if (connection.woken) failures = 0;
        wait = connection.woken ? 0 : backOff(retry, ++failures, error.retryAfter);
      } finally {
        connection.close();
      }
      onState?.("waiting", wait);
      await pause(wait, signal);
    }
  }

  /** The finished Message. @param {string} id @param {TicketOptions} [options] @returns {Promise<Message>} */
  message(id, options) {
    return this.call("GET", pathOf(id, "message", options), undefined, options);
  }

  /** Stops it for everybody. @param {string} id @param {CallOptions} [options] @returns {Promise<object>} */
  cancel(id, options) {
    return this.call("POST", pathOf(id, "cancel"), undefined, options);
  }

  /**
   * Any call of the HTTP interface, by its JSON.
   * @param {string} method @param {string} path @param {object} [body] @param {SendOptions} [options]
   * @returns {Promise<any>}
   */
  async call(method, path, body, { signal, headers } = {}) {
    const json = body && { body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
    const response = await this.request(path, { method, signal, ...json });
    return response.status === 204 ? undefined : orBroken(response.json(), signal);
  }

  /**
   * `fetch` with this client's base and credentials. Throws `KeepstreamError` for any answer but a 2xx.
   * @param {string} path @param {RequestInit & { connection?: object }} [init] @returns {Promise<Response>}
   */
  async request(path, init = {}) {
    const { base, fetch, auth } = this.#given;
    for (let refused; ; ) {
      const pass = await orAborted(this.#pass(path, refused), init.signal);
      const headers = new Headers(await now(this.#given.headers));
      if (pass.key) headers.set("authorization", `Bearer ${pass.key}`);
      new Headers(init.headers).forEach((value, name) => headers.set(name, value));
      const response = await orBroken(fetch(base + withTicket(path, pass), { ...init, headers }), init.signal);
      if (response.ok) return response;
      if (response.status !== 401 || refused || !auth) throw await errorOf(response);
      refused = pass;
    }
  }

  /** What `auth` gave last, for as long as it holds, or gives now. Who is not there is so for all, a refusal is one's own. */
  async #pass(path, refused) {
    const { auth, key } = this.#given;
    if (!auth || /[?&]ticket=/.test(path)) return { key: auth ? "" : await now(key) };
    const id = /(st|cv)_\w+/.exec(path)?.[0];
    for (let asked; asked !== this.#asked; ) {
      asked = this.#asked;
      const pass = await asked?.catch((error) => isPassing(error) && Promise.reject(error));
      if (!pass) continue;
      const ends = Date.parse(pass.expires_at) || expiry(pass.key);
      if (pass !== refused && (!pass.ticket || pass.id === id) && !(ends - Date.now() < RENEW_MS)) return pass;
    }
    return (this.#asked = Promise.resolve({ path, id }).then(auth).then(
      (given) => ({ id, ...(typeof given === "string" ? { key: given } : given) }),
      (error) => {
        this.#asked = undefined;
        throw error instanceof TypeError ? new Broken(error.message, { cause: error }) : error;
      },
    ));
  }
}

/** A connection that could not be made, broke, or fell silent. */
class Broken extends Error {}

/** One connection's life: aborted by its user, by silence, or by waking up beside it. */
function connect(outer) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  let timer, heardAt;
  const connection = {
    signal: controller.signal,
    /** Given up because its page or its machine woke up: no reason to wait before the next. */
    woken: false,
    /** From now on silence counts. */
    listen() {
      clearTimeout(timer);
      heardAt = Date.now();
      timer = setTimeout(stop, SILENCE_MS);
    },
    /** Something came: however long its reader takes, that is no silence. */
    heard() {
      clearTimeout(timer);
      timer = null;
    },
    close() {
      connection.heard();
      unwatch();
      outer?.removeEventListener("abort", stop);
      stop();
    },
  };
  const unwatch = onWake(() => {
    if (timer === null || Date.now() - heardAt < AWAKE_MS) return;
    connection.woken = true;
    stop();
  });
  if (outer?.aborted) stop();
  outer?.addEventListener("abort", stop);
  connection.listen();
  return connection;
}

/** The events of a body, and `{ retry }` for each `retry:`. */
async function* parse(body, connection) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let [rest, type, data, id] = ["", "", [], ""];
  for (;;) {
    connection.listen();
    const { done, value } = await orBroken(reader.read());
    connection.heard();
    if (done) return;
    const text = decoder.decode(value, { stream: true });
    rest += text;
    if (!/[\r\n]/.test(text)) continue;
    // A last carriage return may be half an end of line.
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
      const told = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "event") type = told;
      else if (field === "data") data.push(told);
      else if (field === "id") id = told;
      else if (field === "retry" && /^\d+$/.test(told)) yield { retry: Number(told) };
    }
  }
}

/** No answer, a time-out, an error of the server; not 429. */
export function isPassing(error) {
  return error instanceof Broken || (error instanceof KeepstreamError && (error.status >= 500 || error.status === 408));
}

/** Doubling with jitter; never sooner than the server said. */
function backOff(retry, failures, retryAfter) {
  const longest = Math.min(RETRY_MS_MAX, retry * 2 ** (failures - 1));
  return Math.max(longest * (0.5 + Math.random() / 2), (retryAfter ?? 0) * 1000);
}

/**
 * Calls `woke` when a page is seen again, when there is a network again, and when a machine that slept goes on: its
 * timers stood still, the clock did not. Returns what ends it.
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
async function pause(ms, signal) {
  let timer, unwatch;
  try {
    await orAborted(new Promise((go) => ([timer, unwatch] = [setTimeout(go, ms), onWake(go)])), signal);
  } finally {
    clearTimeout(timer);
    unwatch();
  }
}

function orAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

async function orBroken(promise, signal) {
  try {
    return await promise;
  } catch (error) {
    throw signal?.aborted ? signal.reason : new Broken(error?.message, { cause: error });
  }
}

async function errorOf(response) {
  const { error = {}, request_id } = await response.json().catch(() => ({}));
  return new KeepstreamError(response.status, error.type ?? "api_error", error.message ?? response.statusText, {
    requestId: request_id ?? response.headers.get("request-id"),
    retryAfter: Number(response.headers.get("retry-after")) || null,
  });
}

const now = (one) => (typeof one === "function" ? one() : one);

/** When a JWT ends; NaN for what is none. */
function expiry(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).exp * 1000;
  } catch {
    return NaN;
  }
}

function pathOf(id, what, options) {
  return withTicket(`/v1/streams/${encodeURIComponent(id)}/${what}`, options);
}

function withTicket(path, { ticket } = {}) {
  return ticket ? `${path}${path.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}` : path;
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** For our own other modules. */
export { backOff, Broken, connect, pause, randomKey };
