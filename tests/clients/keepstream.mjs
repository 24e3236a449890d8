// Drives the module that the front serves: node keepstream.mjs <address> <scenario> <arguments as JSON>
const [address, scenario, given = "{}"] = process.argv.slice(2);
const asked = JSON.parse(given);
let source = await (await fetch(`${asked.direct ?? address}/keepstream.js`)).text();
if (asked.silence) source = source.replace(/SILENCE_MS ?= ?30_000/, `SILENCE_MS=${asked.silence}`);
const { Keepstream, KeepstreamError } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const states = [];
const keepstream = new Keepstream({ base: address, key: async () => "any", headers: async () => ({}) });

async function read(id, options = {}) {
  const seen = { text: "", ids: [], types: [] };
  for await (const event of keepstream.events(id, { onState: (state) => states.push(state), ...options })) {
    seen.types.push(event.type);
    if (event.id) seen.ids.push(event.id);
    if (event.type === "relay.reset") seen.text = "";
    if (event.data.delta?.type === "text_delta") seen.text += event.data.delta.text;
    if (event.type === "relay.end") seen.end = event.data;
    if (options.until === event.type) break;
  }
  return seen;
}

const scenarios = {
  async whole() {
    const { id } = await keepstream.submit(asked.body);
    const seen = await read(id);
    return { id, ...seen, message: await keepstream.message(id) };
  },
  async ticket() {
    const stranger = new Keepstream({ base: address });
    let text = "";
    for await (const { data } of stranger.events(asked.id, asked)) text += data.delta?.text ?? "";
    for await (const { data } of stranger.follow(asked.events_url)) text += data.delta?.text ?? "";
    const { status } = await stranger.message(asked.other, asked).catch((error) => error);
    return { text, message: await stranger.message(asked.id, asked), status };
  },
  async again() {
    // Nothing follows the ending: 204.
    return read(asked.id, { after: asked.after });
  },
  async cancel() {
    const { id } = await keepstream.submit(asked.body);
    await read(id, { until: "content_block_delta" });
    await keepstream.cancel(id);
    return { id, ...(await read(id)) };
  },
  async refused() {
    const errors = [];
    for (const call of [
      () => keepstream.submit({ prompt: "" }),
      () => read("st_00000000000000000000000000000000"),
      () => keepstream.message("none"),
    ]) {
      await call().catch((error) => {
        errors.push({ ours: error instanceof KeepstreamError, status: error.status, type: error.type, requestId: error.requestId });
      });
    }
    return { errors };
  },
  async abort() {
    const controller = new AbortController();
    const { id } = await keepstream.submit(asked.body);
    let reason = null;
    try {
      for await (const event of keepstream.events(id, { signal: controller.signal })) {
        if (event.type === "content_block_delta") controller.abort(new Error("enough"));
      }
    } catch (error) {
      reason = error.message;
    }
    return { id, reason };
  },
};

console.log(JSON.stringify({ ...(await scenarios[scenario]()), states }));
