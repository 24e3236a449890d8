// Durable Streams' client reads a stream to its end: node client.mjs <address of the front> <live> <prompt>
import { stream } from "@durable-streams/client";

const [base, live, prompt] = process.argv.slice(2);
const headers = { "x-api-key": "any", "content-type": "application/json" };
const made = await fetch(`${base}/v1/streams`, { method: "POST", headers, body: JSON.stringify({ prompt }) });
const { id } = await made.json(); // asked for here, so that it is read from its beginning on
const seen = { id, text: "", types: [], offset: "-1", closed: false, broken: 0 };

while (!seen.closed) {
  try {
    const log = await stream({ url: `${base}/v1/streams/${id}/log`, offset: seen.offset, live, headers });
    log.subscribeJson(({ items, offset, streamClosed }) => {
      for (const { type, delta } of items) {
        seen.types.push(type);
        if (type === "relay.reset") seen.text = "";
        if (delta?.type === "text_delta") seen.text += delta.text;
      }
      Object.assign(seen, { offset, closed: streamClosed });
    });
    await log.closed;
  } catch {
    seen.broken++; // its SSE comes back after an end, and leaves it to us after a cut
  }
}
console.log(JSON.stringify(seen));
