// Drives the installed client: node client.mjs <address> <scenario> <arguments as JSON>
import { conversationStore, IDLE, Keepstream, KeepstreamError, reduce, streamStore } from "keepstream";

const [address, scenario, given = "{}"] = process.argv.slice(2);
const asked = JSON.parse(given);
const keepstream = new Keepstream({ base: address, key: "any" });
const error = ({ name, status, type, message }) => ({ name, status, type, message });

async function textOf(events) {
  let text = "";
  for await (const { type, data } of events) {
    if (type === "relay.reset") text = "";
    text += data.delta?.text ?? "";
  }
  return text;
}

/** Waits until a store shows what is wanted, and tells each status on the way. */
function until(store, wanted, statuses = []) {
  return new Promise((resolve) => {
    const look = () => {
      const view = store.get();
      if (view.status !== statuses[statuses.length - 1]) statuses.push(view.status);
      if (!wanted(view)) return;
      leave();
      resolve(view);
    };
    const leave = store.subscribe(look);
  });
}

const scenarios = {
  async everything() {
    const { id, events_url } = await keepstream.submit("Hello");
    const text = await textOf(keepstream.events(id));
    const { state, outcome } = await keepstream.stream(id);
    const { ticket } = await keepstream.ticket(id, { expiresIn: 60 });
    const stranger = new Keepstream({ base: address });
    return {
      text,
      again: await textOf(stranger.follow(`${events_url}?ticket=${ticket}`)),
      message: await stranger.message(id, { ticket }),
      state,
      outcome,
      looked: (await stranger.stream(id, { ticket })).state,
      why: (await keepstream.timeline(id)).why,
      rated: await keepstream.feedback(id, { rating: 1, note: "Good" }),
      requests: (await keepstream.usage({ by: "model", from: undefined })).data[0].streams,
    };
  },
  async approved() {
    const { id } = await keepstream.submit({ prompt: asked.prompt, relay: { tools: ["pay"] } });
    let state = IDLE;
    const waited = [];
    for await (const event of keepstream.events(id)) {
      state = reduce(state, event);
      if (event.type !== "relay.approval") continue;
      waited.push(state.status, ...state.approvals.map(({ input }) => input));
      await keepstream.approve(id, event.data.tool_use_id, asked.approve, { reason: "As I say" });
    }
    const [call] = state.turns[0];
    return { waited, turns: state.turns.length, result: call.result.content, failed: call.result.is_error };
  },
  async conversation() {
    const { conversations } = keepstream;
    const { id, title } = await conversations.create({ title: "Rivers" });
    const said = await conversations.say(id, "One");
    await textOf(keepstream.events(said.id));
    await textOf(keepstream.events((await conversations.regenerate(id)).id));
    await textOf(keepstream.events((await conversations.say(id, [{ type: "text", text: "Two" }])).id));
    const { versions } = (await conversations.get(id)).messages[1];
    await conversations.choose(id, versions[0]);
    const chosen = (await conversations.get(id)).messages;
    await conversations.choose(id, versions[1]);
    const { messages } = await conversations.get(id);
    const fork = await conversations.fork(id, said.message_id, { title: "A fork" });
    const titled = (await conversations.title(id)).title;
    const renamed = await conversations.update(id, { title: "Lakes" });
    const listed = await conversations.list({ limit: 2, query: "Lakes" });
    const types = [];
    for await (const { type } of conversations.events(id)) {
      if (types.push(type) === 1) await conversations.delete(id);
    }
    const gone = await conversations.get(id).catch(error);
    await conversations.delete(fork.id);
    const roles = messages.map(({ role }) => role);
    const counts = [versions.length, chosen.length, fork.messages.length, listed.data.length];
    return { titles: [title, titled, renamed.title, fork.title], roles, counts, match: listed.data[0].match, types, gone };
  },
  /** A key that is asked for by a callback, which gives what is told, one after the other. */
  async auth() {
    const passes = asked.passes.map((pass) => (pass?.error ? new TypeError("no network") : pass));
    const calls = [];
    const auth = async ({ id, path }) => {
      calls.push(id ?? path);
      const pass = passes.length > 1 ? passes.shift() : passes[0];
      if (pass instanceof Error) throw pass;
      return pass;
    };
    const theirs = new Keepstream({ base: address, auth });
    const results = [];
    for (const id of asked.ids) results.push(await theirs.stream(id).then(({ state }) => state, error));
    if (asked.read) results.push(await textOf(theirs.events(asked.read)).catch(error));
    if (asked.together) {
      const all = asked.together.map((id) => theirs.stream(id).then(({ state }) => state, error));
      results.push(await Promise.all(all));
    }
    return { calls, results };
  },
  async aborts() {
    const aborted = AbortSignal.abort(new Error("enough"));
    const never = new Keepstream({ base: address, auth: () => new Promise(() => {}) });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("while asking")), 20);
    const { conversations } = keepstream;
    const calls = [
      keepstream.submit("Hello", { signal: aborted }),
      keepstream.cancel("st_0", { signal: aborted }),
      keepstream.usage({}, { signal: aborted }),
      conversations.list({}, { signal: aborted }),
      conversations.say("cv_0", "Hello", { signal: aborted }),
      textOf(keepstream.events("st_0", { signal: aborted })),
      never.message("st_0", { signal: controller.signal }),
      textOf(never.events("st_0", { signal: controller.signal })),
    ];
    return Promise.all(calls.map((call) => call.then(() => null, (reason) => reason.message)));
  },
  async refused() {
    const { ours, ...refused } = await keepstream.submit("").catch((one) => ({ ours: one instanceof KeepstreamError, ...error(one) }));
    return { ours, ...refused };
  },
  /** Accepted, but the word of it is cut off in its middle. */
  async halfSaid() {
    const ids = [];
    const states = [];
    const cutting = async (url, init) => {
      const response = await fetch(url, init);
      const text = await response.text();
      const whole = ids.push(JSON.parse(text).id) > 1;
      const pull = (body) => (whole ? body.close() : body.error(new TypeError("terminated")));
      const start = (body) => body.enqueue(new TextEncoder().encode(whole ? text : text.slice(0, 20)));
      return new Response(new ReadableStream({ start, pull }), response);
    };
    const theirs = new Keepstream({ base: address, fetch: cutting });
    const { id } = await theirs.submit("Hello", { onState: (state) => states.push(state) });
    return { id, ids, states };
  },
  /** Left and come back to, as a view that is taken away and shown again. */
  async store() {
    const statuses = [];
    let submits = 0;
    const counted = (url, init) => fetch(url, init, (submits += init.method === "POST"));
    const store = streamStore(new Keepstream({ base: asked.through, fetch: counted }), asked.body);
    const begun = await until(store, ({ text }) => text.length > 20, statuses);
    const { id, text, status } = await until(store, (view) => view.status === "ended", statuses);
    const again = streamStore(keepstream, id);
    const resumed = await until(again, (view) => view.status === "ended");
    return { begun: begun.text, text, resumed: resumed.text, submits, status, statuses, message: await keepstream.message(id) };
  },
  async stopped() {
    const store = streamStore(keepstream, asked.body);
    const begun = until(store, (view) => view.status === "ended");
    await store.actions.stop();
    return begun;
  },
  async lost() {
    const { status, error: why } = await until(streamStore(keepstream, "st_00000000000000000000000000000000"), (view) => view.error);
    return { status, error: error(why) };
  },
  /** Two tabs of one conversation. */
  async tabs() {
    const one = conversationStore(keepstream, null);
    const statuses = [];
    const first = until(one, (view) => view.status === "ended" && view.messages.length === 2, statuses);
    const { conversation_id } = await one.actions.say(asked.first);
    const seen = await first;
    const other = conversationStore(keepstream, conversation_id);
    const opened = await until(other, (view) => view.status === "ended");
    const heard = until(one, (view) => view.messages.length === 4 && view.status === "ended");
    await other.actions.say(asked.second);
    const crossed = await other.actions.say("At the same time").then(() => null, error);
    await other.actions.stop();
    const stopped = await heard;
    const over = until(one, (view) => view.status === "ended" && view.messages[3]?.stream_id !== stopped.messages[3].stream_id);
    await one.actions.regenerate();
    await one.actions.stop();
    const regenerated = await over;
    const shown = ({ messages, outcome }) => [outcome, ...messages.map(({ role, content }) => `${role}: ${content[0]?.text}`)];
    const views = [seen, opened, stopped, regenerated].map(shown);
    return { statuses, known: one.known(), id: conversation_id, views, crossed };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
process.exit(0); // a store that is left lets go a moment later
