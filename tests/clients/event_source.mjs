// EventSource clients as people use them: node event_source.mjs <address of the events> <library> <arguments as JSON>
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource } from "eventsource";

const [address, library, given = "{}"] = process.argv.slice(2);
const { until } = JSON.parse(given);
const TYPES = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
  "message_stop", "relay.status", "relay.retry", "relay.reset", "relay.end"];
const seen = { text: "", ids: [], types: [], errors: [], named_error: 0, unnamed: 0 };

function take(type, data, id) {
  seen.types.push(type);
  if (id) seen.ids.push(id);
  const { delta } = JSON.parse(data);
  if (delta?.type === "text_delta") seen.text += delta.text;
}

const libraries = {
  eventsource: () =>
    new Promise((resolve) => {
      const source = new EventSource(address);
      for (const type of TYPES) {
        source.addEventListener(type, (event) => {
          take(type, event.data, event.lastEventId);
          if (type === until) {
            source.close();
            resolve();
          }
        });
      }
      source.onmessage = () => seen.unnamed++;
      source.addEventListener("error", (event) => {
        if ("data" in event) seen.named_error++;
        seen.errors.push(event.code ?? null);
        // Nobody closes it here: it is the server that has to stop it.
        if (source.readyState === EventSource.CLOSED) resolve();
      });
    }),
  "fetch-event-source": async () => {
    // It asks a page whether it is hidden.
    globalThis.window = globalThis;
    globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
    await fetchEventSource(address, {
      headers: { "x-api-key": "any" },
      openWhenHidden: true,
      onmessage({ event, data, id }) {
        if (event === "error") seen.named_error++;
        else if (data) take(event, data, id);
        else if (event) seen.unnamed++;
      },
      onclose() {
        // As its README says: an end that is not the stream's is a reason to come back.
        if (seen.types.at(-1) !== "relay.end") throw new Error("ended too early");
      },
      onerror(error) {
        seen.errors.push(String(error));
      },
    });
  },
};

setInterval(() => {}, 1000); // the library waits to come back without keeping Node alive
await libraries[library]();
console.log(JSON.stringify(seen));
process.exit(0);
