/** Looks for what was said, on the server, and leads there. It is loaded by whoever looks for something. */

import { isPassing } from "/keepstream.js";
import { h } from "/chat/dom.js";

/** So many are enough to look through: who finds more says more. */
const MOST = 200;
const CHARACTERS = 200;
const TYPED_MS = 200;
const AGAIN_SECONDS = 2;

/**
 * For each who looks, one: `look(query, show, trouble)` has `show` told what says `query`, as soon as nothing more is typed;
 * "" stops what is under way.
 */
export function finder(client) {
  let typing = null;
  let finding = null;
  return (query, show, trouble) => {
    clearTimeout(typing);
    finding?.abort();
    if (!query) return;
    const { signal } = (finding = new AbortController());
    typing = setTimeout(async () => {
      try {
        for await (const found of find(client, query, signal)) if (!signal.aborted) show(found);
      } catch (error) {
        if (!signal.aborted) trouble(error);
      }
    }, TYPED_MS);
  };
}

/** All chats that say it, a part at a time: `{ rows, more }`, each row with its `excerpt`. */
async function* find(client, query, signal) {
  const rows = [];
  for (let before = ""; ; ) {
    const path = `/v1/conversations?limit=50&query=${encodeURIComponent(query.slice(0, CHARACTERS))}${before}`;
    const { data, has_more, last_id } = await patiently(async () => (await client.request(path, { cache: "no-store", signal })).json(), signal);
    rows.push(...data.map((row) => ({ ...row, excerpt: row.match.message_id && marked(row.match.text, query) })));
    const more = has_more && rows.length < MOST;
    yield { rows, more };
    if (!more) return;
    before = `&before=${last_id}`;
  }
}

/** Asks again while the server is busy or away, for as long as somebody looks: what is found so far stays. */
async function patiently(ask, signal) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !(isPassing(error) || error.status === 429)) throw error;
      await new Promise((go) => setTimeout(go, (error.retryAfter ?? AGAIN_SECONDS) * 1000));
      if (signal.aborted) throw error;
    }
  }
}

/** A text with what was looked for marked in it, where it stands there letter by letter. */
function marked(text, query) {
  const at = text.toLowerCase().indexOf(query.toLowerCase());
  if (at < 0) return [text];
  return [text.slice(0, at), h("mark", {}, text.slice(at, at + query.length)), text.slice(at + query.length)];
}

/** Leads to a message of a chat that is opened for it: at once, or when it is there. */
export class Seeking {
  #messages;
  #following;
  #sought = [];

  constructor(messages, following) {
    this.#messages = messages;
    this.#following = following;
  }

  /** Wants a message of a chat to be seen; none is the end of it. `open` is the chat that stands here. */
  to(id, message, open) {
    this.#sought = [id, message];
    this.look(open);
  }

  look(open) {
    const [id, message] = this.#sought;
    if (id !== open || !this.#messages.has(message)) return;
    this.#sought = [];
    const element = this.#messages.focus(message);
    // It keeps its place while what is around it is drawn, until its reader moves.
    const stays = () => this.#following.held && element.scrollIntoView({ block: "start" });
    const observer = new ResizeObserver(stays);
    this.#following.held = true;
    observer.observe(document.querySelector("#content"));
    stays();
    for (const name of ["wheel", "touchstart", "keydown", "pointerdown"]) {
      addEventListener(name, () => {
        this.#following.held = false;
        observer.disconnect();
      }, { once: true, passive: true });
    }
  }
}
