// What goes on at once, with a server that answers as it is told here: node together.mjs <scenario>
import { conversationStore, Keepstream, KeepstreamError } from "keepstream";

const asked = [];

/** A client of a server that has an answer, or a promise of one, for `"<method> <path>"`, and none for what it isn't told. */
function clientOf(answers, options) {
  const fetch = async (url, { method = "GET", signal } = {}) => {
    const [path] = url.split("?");
    asked.push(`${method} ${path}`);
    const [status, body] = (await answers[`${method} ${path}`]?.(asked.length)) ?? [200, endless(signal)];
    signal?.throwIfAborted();
    return new Response(body instanceof ReadableStream ? body : JSON.stringify(body), { status });
  };
  return new Keepstream({ fetch, ...options });
}

const refusal = (status) => [status, { error: { type: "some_error", message: `it is ${status}` } }];
const aMoment = () => new Promise((go) => setTimeout(go));
const times = (call) => asked.filter((one) => one === call).length;
const told = (promise, what = () => "fine") => promise.then(what, (error) => error.status ?? error.message);
const shown = ({ messages }) => messages.map(({ content, pending }) => content[0].text + (pending ? "…" : ""));

/** A body in which nothing comes, until it is given up. */
function endless(signal) {
  return new ReadableStream({ start: (body) => signal?.addEventListener("abort", () => body.error(signal.reason)) });
}

/** A promise, and what keeps it. */
function gate() {
  let open;
  return Object.assign(new Promise((go) => (open = go)), { open });
}

/** Waits until a store shows what is wanted. */
function until({ get, subscribe }, wanted) {
  return new Promise((go) => {
    const look = () => wanted(get()) && go(get());
    subscribe(look);
    look();
  });
}

/** Three are read at once, and a ticket is refused for the first, or nobody is there who gives any. */
async function tickets(fault) {
  const calls = [];
  const auth = async ({ id }) => {
    calls.push(id);
    await aMoment();
    if (id === "st_a") throw fault;
    return { ticket: `of ${id}` };
  };
  const theirs = clientOf({}, { auth });
  const ids = ["st_a", "st_b", "st_c"];
  const results = await Promise.all(ids.map((id) => told(theirs.request(`/v1/streams/${id}`))));
  return { calls, results };
}

const MESSAGES = "/v1/conversations/cv_1/messages";
const NEW = { id: "cv_1", title: null, offset: "", stream_id: null, messages: [] };

const scenarios = {
  refusedTicket: () => tickets(new KeepstreamError(403, "permission_error", "not yours")),
  away: () => tickets(new TypeError("no network")),
  /** Two things are said at once where there is no conversation yet. */
  async begun(refusedFirst) {
    const creates = [];
    const client = clientOf({
      "POST /v1/conversations": async () => {
        const nth = creates.push("");
        await aMoment();
        return refusedFirst && nth === 1 ? refusal(429) : [201, { id: "cv_1" }];
      },
      "GET /v1/conversations/cv_1": () => [200, NEW],
      [`POST ${MESSAGES}`]: () => [202, { id: "st_1" }],
    });
    const { actions, known } = conversationStore(client, null);
    const results = await Promise.all(["One", "Two"].map((text) => told(actions.say(text))));
    return { results, creates: creates.length, says: times(`POST ${MESSAGES}`), known: known() };
  },
  begunAnew: () => scenarios.begun(true),
  /** The second is refused while the first is on its way. */
  async crossed() {
    const first = gate();
    let said = 0;
    const found = { ...NEW, messages: [{ id: "ms_1", role: "user", content: [{ type: "text", text: "One" }], stream_id: null }] };
    const client = clientOf({
      "GET /v1/conversations/cv_1": () => [200, said && first.opened ? found : NEW],
      [`POST ${MESSAGES}`]: () => (said++ ? refusal(409) : first),
    });
    const store = conversationStore(client, "cv_1");
    await until(store, ({ status }) => status === "idle");
    store.actions.say("One");
    const second = await told(store.actions.say("Two"));
    const left = shown(await until(store, ({ messages }) => messages.length === 1));
    first.opened = true;
    first.open([202, { id: "st_1" }]);
    const after = shown(await until(store, ({ messages }) => messages[0]?.id));
    return { second, left, after };
  },
  /** The answer that runs can't be read. */
  async unread(status) {
    const goesOn = gate();
    const client = clientOf({
      "GET /v1/conversations/cv_1": () => [200, { ...NEW, stream_id: "st_1" }],
      "GET /v1/streams/st_1/events": () => refusal(Number(status)),
      "GET /v1/conversations/cv_1/events": () => (goesOn.open("goes on"), [200, endless()]),
    });
    const failed = until(conversationStore(client, "cv_1"), ({ error }) => error);
    return Promise.race([goesOn, failed.then(({ error }) => error.status)]);
  },
  /** A hook's client is another one with the next render. */
  async another() {
    const { createElement, useState } = await import("react");
    const { renderToString } = await import("react-dom/server");
    const { useConversation, useStream } = await import("keepstream/react");
    const calls = [];
    const of = (name) => {
      const answer = () => (calls.push(name), [200, {}]);
      return clientOf({ "POST /v1/streams/st_1/cancel": answer, [`POST ${MESSAGES}`]: answer });
    };
    const [first, second] = [of("first"), of("second")];
    const actions = [];
    function Shown() {
      const [client, change] = useState(first);
      const { stop } = useStream("st_1", { client });
      const { say } = useConversation("cv_1", { client });
      actions.push(stop, () => say("Hello"));
      if (client === first) change(second);
      return null;
    }
    renderToString(createElement(Shown));
    for (const act of actions.slice(-2)) await act();
    return { calls };
  },
};

console.log(JSON.stringify(await scenarios[process.argv[2]](process.argv[3])));
process.exit(0); // a store that is looked at goes on
