/**
 * A stream as a store that a view subscribes to, and what every such store has. React is not known here.
 *
 * The rule: nothing is asked before the first subscriber, nothing is submitted twice, and what changes is told once a
 * frame, however much comes. Without a subscriber the connection is let go, and taken up again at the same byte.
 */

/**
 * @import { Keepstream } from "./index.js"
 * @import { OnState, StreamState, StreamStore } from "./shapes.js"
 */

import { isPassing, pause } from "./keepstream.js";
import { IDLE, reduce, textOf } from "./state.js";

const FRAME_MS = 16;
const TICK_MS = 250;
const AGAIN_MS = 2000;
/** So many events are taken before anything else has its turn: a long answer that comes at once holds up no page. */
const AT_ONCE = 200;

/**
 * Who looks, what is shown, and the one thing at a time that is read.
 *
 * `read(signal)` is called for as long as anybody looks and it was not told that all is `over`; `look(stream)` makes of
 * the stream's state what is shown. Beside the store there are the means to change it.
 * @template View
 * @param {Keepstream} client
 * @param {StreamState} stream
 * @param {(stream: StreamState) => View} look
 * @param {(signal: AbortSignal) => Promise<boolean | void>} read true: nothing more comes
 */
export function makeStore(client, stream, look, read) {
  const listeners = new Set();
  let place, lostUntil, reading, over, shown, frame, tick, phase;

  const change = (more) => {
    stream = { ...stream, ...more };
    frame ??= setTimeout(show, FRAME_MS);
  };
  /** @type {OnState} */
  const connection = (state, waitMs) => {
    if (state !== "connecting") lostUntil = waitMs && Date.now() + waitMs;
    change();
  };
  const get = () => {
    if (shown) return shown;
    shown = look(stream);
    if (lostUntil && !over) Object.assign(shown, { status: "reconnecting", retryAt: lostUntil });
    shown.seconds = shown.retryAt && Math.max(0, Math.ceil((shown.retryAt - Date.now()) / 1000));
    return shown;
  };
  const show = () => {
    clearTimeout(tick);
    shown = frame = undefined;
    // Seconds that go by are news, too.
    if (get().seconds && listeners.size) tick = setTimeout(show, TICK_MS);
    listeners.forEach((listener) => listener());
  };
  const start = async () => {
    if (reading) return;
    reading = true;
    for (let wait; listeners.size && !over; ) {
      phase = new AbortController();
      const { signal } = phase;
      try {
        if (wait) await pause(wait, signal);
        wait = 0;
        over = await read(signal);
      } catch (error) {
        if (signal.aborted) continue;
        over = !isPassing(error);
        if (over) change({ status: "error", error });
        else connection("waiting", (wait = AGAIN_MS));
      }
    }
    reading = false;
    change();
  };

  return {
    client,
    get,
    change,
    connection,
    state: () => stream,
    subscribe(listener) {
      listeners.add(listener);
      if (!over) start();
      return () => {
        listeners.delete(listener);
        // Who leaves and comes back in one breath, as React's strict mode does, has not even been asked for by then.
        if (!listeners.size) phase?.abort();
      };
    },
    /** Reads anew, also where all was over. */
    again() {
      over = false;
      phase?.abort();
      start();
    },
    /** Another stream, from its start. */
    begin(more) {
      place = "";
      change({ ...IDLE, ...more });
    },
    /** The events of a stream, from where it was left to its ending. */
    async follow(id, signal) {
      let taken = 0;
      for await (const event of client.events(id, { after: place, signal, onState: connection })) {
        if (event.id || event.type === "relay.reset") place = event.id;
        change(reduce(stream, event));
        if (!(++taken % AT_ONCE)) await new Promise((go) => setTimeout(go));
      }
    },
  };
}

/**
 * One stream, of an id or of a prompt.
 * @param {Keepstream} client @param {string | object | null | undefined} target @returns {StreamStore}
 */
export function streamStore(client, target) {
  let id = typeof target === "string" && /^st_\w+$/.test(target) ? target : null;
  let accepted;
  const first = { ...IDLE, id, status: id ? "waiting" : target ? "submitting" : "idle" };
  const look = (stream) => ({ ...stream, text: textOf(stream) });
  const store = makeStore(client, first, look, async (signal) => {
    if (target) {
      // Not aborted by leaving: what was sent is sent, and not sent again.
      if (!id) accepted ??= client.submit(target, { tries: Infinity, onState: store.connection });
      id ??= (await accepted).id;
      if (!store.state().id) store.change({ id, status: "waiting" });
      await store.follow(id, signal);
    }
    return true;
  });
  const stop = async () => {
    id ??= (await accepted)?.id; // also while it is being submitted
    if (id) await client.cancel(id);
  };
  const approve = (...verdict) => client.approve(/** @type {string} */ (id), ...verdict);
  return { ...store, known: () => id, actions: { approve, stop } };
}
