/**
 * A conversation as a store: what the server has of it, the answer that is being written, and what one says in it.
 *
 * The rule: one connection at a time. While an answer runs its stream is read, otherwise the conversation's own events;
 * whatever happens in it, in this tab or another, is a reason to look at all of it again.
 */

/**
 * @import { Keepstream } from "./index.js"
 * @import { ConversationStore } from "./shapes.js"
 */

import { IDLE } from "./state.js";
import { makeStore } from "./stores.js";

/**
 * One conversation, of an id, or a new one.
 * @param {Keepstream} client @param {string | null | undefined} id @returns {ConversationStore}
 */
export function conversationStore(client, id) {
  const { conversations } = client;
  let found = { title: null, system: null, messages: [] };
  // The stream that runs, or did last, and the one that was read to its ending last.
  let running, ended;
  // What is being said, as it is shown, and the promise that all of it was accepted or refused.
  let mine = [];
  let sending;
  // One is made at a time: who comes second finds it, or makes it where the first was refused.
  let making = Promise.resolve();

  const look = ({ id: stream_id, turns, blocks, ...stream }) => {
    const { messages, ...row } = found;
    const joined = !stream_id || messages.some((one) => one.stream_id === stream_id);
    const answer = joined ? [] : [{ id: row.answer_id, role: "assistant", content: blocks, stream_id }];
    return { ...stream, ...row, id, messages: [...messages, ...answer, ...mine] };
  };

  const store = makeStore(client, { ...IDLE, status: id ? "loading" : "idle" }, look, async (signal) => {
    if (!id) return true;
    const sent = mine;
    await sending;
    found = await conversations.get(id, { signal });
    // What was said is in what was found, or it was refused.
    mine = mine.filter((one) => !sent.includes(one));
    store.connection("open");
    const { stream_id, messages } = found;
    running = stream_id ?? running;
    if (stream_id && stream_id !== ended) {
      if (stream_id !== store.state().id) store.begin({ id: stream_id, status: "waiting" });
      await store.follow(stream_id, signal).catch((error) => {
        // Where it is lost, or long over, the conversation knows what became of it.
        if (![404, 410].includes(error.status)) throw error;
      });
      ended = stream_id;
    } else {
      const { outcome = null } = messages[messages.length - 1] ?? {};
      if (!stream_id) store.begin({ status: outcome ? "ended" : "idle", outcome });
      const options = { after: found.offset, signal, onState: store.connection };
      for await (const _ of conversations.events(id, options)) break;
    }
  });

  const said = async (what, options) => {
    const text = what.content ?? what;
    const content = typeof text === "string" ? [{ type: "text", text }] : text;
    const own = { id: "", role: "user", content, pending: true };
    if (Array.isArray(content)) mine = [...mine, own];
    if (!store.state().id) store.change({ status: "submitting" });
    try {
      const make = async () => (id ??= (await conversations.create({}, options)).id);
      await (making = making.then(make, make));
      const accepted = await conversations.say(id, what, options);
      running = accepted.id;
      return accepted;
    } catch (error) {
      mine = mine.filter((one) => one !== own);
      store.change(id || mine[0] ? {} : { status: "idle" });
      throw error;
    } finally {
      store.again();
    }
  };
  const say = (what, options) => {
    const [before, saying] = [sending, said(what, options)];
    sending = saying.catch(() => {}).then(() => before);
    return saying;
  };

  const actions = {
    say,
    approve: (...verdict) => client.approve(running, ...verdict),
    toolResults: (results, options) => say({ results }, options),
    regenerate: (body, options) => say({ ...body, regenerate: true }, options),
    continue: (body, options) => say({ ...body, continue: true }, options),
    stop: async () => {
      await sending;
      if (running) await client.cancel(running);
    },
  };
  return { ...store, known: () => id, actions };
}
