/**
 * The AI SDK's `useChat` over Keepstream, in one line:
 *
 *     const transport = keepstreamChat({ base, auth });
 *     useChat({ id, resume: true, transport });
 *
 * The rule: what `useChat` is given is the whole answer, once, or an error. A connection that ends, breaks or falls silent
 * is opened again, and what was handed out before is known again by comparing; so `onFinish` is called once. What only
 * the moment tells (`transient`) is no part of the answer.
 *
 * @import { ChatTransport, UIMessage, UIMessageChunk } from "ai"
 * @import { KeepstreamOptions } from "./shapes.js"
 */

import { backOff, Broken, connect, isPassing, Keepstream, pause, randomKey } from "./keepstream.js";

const RETRY_MS = 1000;
/** A message is safe to send again, because it carries an Idempotency-Key. */
const SEND_TRIES = 5;
/** Where nothing may run any more, and where a page has been left: it is not worth more. */
const FEW_TRIES = 3;
const DONE = "[DONE]";

/**
 * @typedef {object} OfChats
 * @property {Keepstream} [client] in place of `base`, `auth` and the other options of one
 * @property {object | (() => object | Promise<object>)} [body] more fields of each message's body, such as `model`
 * @property {boolean} [resume] whether a broken connection is opened again, unseen; else `onFinish` is told `isDisconnect`
 * @property {"cancel" | "leave"} [stop] what `stop()` of `useChat` does, which a component that goes calls as well:
 *   it cancels the answer for everybody, or leaves it to run on
 * @property {(state: "connecting" | "open" | "waiting", waitMs?: number) => void} [onState]
 */
/** @typedef {KeepstreamOptions & OfChats} KeepstreamChatOptions */
/**
 * @template {UIMessage} [UI_MESSAGE=UIMessage]
 * @typedef {ChatTransport<UI_MESSAGE> & { stop(chatId: string): Promise<void> }} KeepstreamChatTransport `stop` cancels
 *   what a chat's answer is, whoever reads it
 */

/**
 * Make one for a page, outside of what is rendered: it keeps what `auth` gave.
 * @template {UIMessage} [UI_MESSAGE=UIMessage]
 * @param {KeepstreamChatOptions} [options]
 * @returns {KeepstreamChatTransport<UI_MESSAGE>}
 */
export function keepstreamChat({ client, body, resume = true, stop = "cancel", onState, ...given } = {}) {
  const keepstream = client ?? new Keepstream(given);

  /** Cancels a chat's answer, or only this stream of it. It outlives the page that asked for it. */
  const cancel = async (chatId, stream) => {
    const path = pathOf(chatId) + (stream ? `?stream=${stream}` : "");
    const response = await tried(FEW_TRIES, () => keepstream.request(path, { method: "DELETE", keepalive: true }));
    await response.text().catch(() => {}); // what nobody reads holds its connection
  };

  /** Does `open` again while that may help. */
  async function tried(tries, open, signal) {
    for (let failures = 1; ; failures++) {
      try {
        return await open();
      } catch (error) {
        if (signal?.aborted || !isPassing(error) || failures >= tries) throw error;
        const wait = backOff(RETRY_MS, failures, error.retryAfter);
        onState?.("waiting", wait);
        await pause(wait, signal);
      }
    }
  }

  /** A connection of its own, and what answers it; `open` is given the signal that ends it. */
  async function opened(open, outer) {
    const connection = connect(outer);
    onState?.("connecting");
    try {
      const response = await open({ signal: connection.signal, cache: "no-store" });
      connection.heard();
      return { connection, response };
    } catch (error) {
      const silent = connection.signal.aborted && !outer?.aborted;
      connection.close();
      throw silent ? brokenBy(error) : error;
    }
  }

  /** All of an answer, over as many connections as it takes. `bare`: it goes on with a message that is known. */
  async function* chunks(chatId, { connection, response }, { bare, signal }) {
    const stream = idOf(response);
    // Where a proxy has kept the stream's id to itself, the chat's own has to do.
    const path = stream ? `/api/chat/resume/${stream}${bare ? "?bare=1" : ""}` : `${pathOf(chatId)}?unseen=1`;
    const told = new Told();
    for (let failures = 0; ; ) {
      let wait;
      try {
        if (!response) ({ connection, response } = await opened((init) => keepstream.request(path, init), signal));
        if (response.status === 204) throw aborted(); // somebody has cancelled it
        onState?.("open");
        told.begin();
        for await (const line of lines(response.body, connection)) {
          failures = 0;
          if (line === DONE) return stream && seen.add(chatId, stream);
          for (const chunk of told.news(line)) {
            if (chunk.type === "abort") throw aborted();
            yield chunk;
          }
        }
        throw new Broken("the connection ended before the answer did");
      } catch (error) {
        if (signal.aborted) throw aborted();
        if (!isPassing(error)) throw error;
        if (!resume) throw disconnected(error);
        if (connection?.woken) failures = 0;
        wait = connection?.woken ? 0 : backOff(RETRY_MS, ++failures, error.retryAfter);
      } finally {
        connection?.close();
        connection = response = undefined;
      }
      onState?.("waiting", wait);
      await pause(wait, signal).catch(() => {});
    }
  }

  /** What `useChat` reads. Once it is given, `abortSignal` is somebody's wish to stop. */
  function shown(chatId, first, bare, abortSignal) {
    const leaving = new AbortController();
    const stream = idOf(first.response);
    const aborting = () => {
      leaving.abort();
      first.connection.close();
      if (stop === "cancel") cancel(chatId, stream).catch(() => {});
    };
    const over = () => abortSignal?.removeEventListener("abort", aborting);
    if (abortSignal?.aborted) aborting();
    abortSignal?.addEventListener("abort", aborting);
    const answer = chunks(chatId, first, { bare, signal: leaving.signal });
    /** @type {UnderlyingDefaultSource<UIMessageChunk>} */
    const source = {
      async pull(controller) {
        try {
          const { done, value } = await answer.next();
          if (!done) return controller.enqueue(value);
          over();
          controller.close();
        } catch (error) {
          over();
          controller.error(error);
        }
      },
      cancel() {
        over();
        leaving.abort();
        first.connection.close();
        answer.return().catch(() => {}); // of a later connection as well nothing is left
      },
    };
    return new ReadableStream(source, { highWaterMark: 0 });
  }

  return {
    resumeStreamIsReplay: true,

    async sendMessages({ chatId, messages, trigger, messageId, abortSignal, headers, body: more }) {
      const given = typeof body === "function" ? await body() : body;
      const sent = JSON.stringify({ ...given, ...more, id: chatId, messages, trigger, messageId });
      const fields = new Headers(headers);
      fields.set("content-type", "application/json");
      fields.set("idempotency-key", randomKey());
      const init = { method: "POST", body: sent, headers: fields };
      const post = () => opened((signal) => keepstream.request("/api/chat", { ...init, ...signal }));
      // Whoever stops before it is known which stream this is stops it as soon as that is known.
      const first = tried(SEND_TRIES, () => (abortSignal?.aborted ? Promise.reject(aborted()) : post()), abortSignal);
      const asked = first.then((found) => shown(chatId, found, true, abortSignal));
      return Promise.race([asked, whenAborted(abortSignal)]).catch((error) => {
        asked.then((stream) => stream.cancel()).catch(() => {});
        throw error instanceof Broken ? disconnected(error) : error;
      });
    },

    async reconnectToStream({ chatId, abortSignal, headers }) {
      const path = `${pathOf(chatId)}?unseen=1`;
      const ask = (init) => keepstream.request(path, { ...init, headers });
      // A signal that is aborted now stops nothing: nothing is shown yet, and React does so when a page begins.
      const first = await tried(FEW_TRIES, () => opened(ask, abortSignal), abortSignal);
      const stream = idOf(first.response);
      const known = stream && seen.has(chatId, stream);
      if (first.response.status !== 204 && !known) return shown(chatId, first, false, abortSignal);
      first.connection.close();
      return null;
    },

    stop: (chatId) => cancel(chatId),
  };
}

/**
 * What of an answer was handed out: a second connection tells it from its start, and what is new begins where the two
 * differ. Lines are compared, so that nothing is doubled and nothing is glued to another attempt's text.
 */
class Told {
  #lines = [];
  #met = 0;

  begin() {
    this.#met = 0;
  }

  /** The chunks that a line has for who was told all before. */
  news(line) {
    const chunk = JSON.parse(line);
    if (chunk.transient) return [chunk];
    if (chunk.type === "reset-step") {
      this.#lines.length = this.#met = this.#step();
      return [chunk];
    }
    if (this.#met === this.#lines.length) {
      this.#met = this.#lines.push(line);
      return [chunk];
    }
    if (this.#lines[this.#met] === line) {
      this.#met++;
      return [];
    }
    // Another attempt: its step takes the place of the one that was shown.
    const step = this.#step();
    if (step > this.#met || step === 0) throw new Error("the answer has begun again; load the chat anew");
    this.#lines.length = this.#met;
    this.#met = this.#lines.push(line);
    return [{ type: "reset-step" }, ...this.#lines.slice(step).map((one) => JSON.parse(one))];
  }

  /** Behind what began the step that is shown; 0 where there is none. */
  #step() {
    return this.#lines.lastIndexOf('{"type":"start-step"}') + 1;
  }
}

/** Which answers this tab has seen to their end: the server shows one again until it knows that. */
const seen = {
  key: (chatId) => `keepstream.seen:${chatId}`,
  has: (chatId, stream) => attempt(() => sessionStorage.getItem(seen.key(chatId))) === stream,
  add: (chatId, stream) => attempt(() => sessionStorage.setItem(seen.key(chatId), stream)),
};

/** Storage may be full or forbidden, and in Node there is none. */
function attempt(what) {
  try {
    return what();
  } catch {
    return null;
  }
}

/** The data of each event of a body. Comments are its heartbeat, and what an end cuts off is none. */
async function* lines(body, connection) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (let rest = ""; ; ) {
    connection.listen();
    const { done, value } = await reader.read().catch((error) => Promise.reject(brokenBy(error)));
    connection.heard();
    if (done) return;
    const events = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = events.pop();
    for (const event of events) if (event.startsWith("data: ")) yield event.slice("data: ".length);
  }
}

const brokenBy = (error) => new Broken(error?.message ?? "the connection broke", { cause: error });
const aborted = () => new DOMException("the answer was stopped", "AbortError");
/** What `useChat` takes for a disconnect is a TypeError that speaks of the network. */
const disconnected = (error) => new TypeError(`network error: ${error.message}`, { cause: error });
const idOf = (response) => response?.headers.get("x-resumable-stream-id");

function whenAborted(signal) {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(aborted());
    signal?.addEventListener("abort", () => reject(aborted()), { once: true });
  });
}

function pathOf(chatId) {
  // As a part of a path they lead elsewhere, also where their dots are encoded.
  if (chatId === "." || chatId === "..") throw new RangeError("a chat cannot be called . or ..");
  return `/api/chat/${encodeURIComponent(chatId)}/stream`;
}
