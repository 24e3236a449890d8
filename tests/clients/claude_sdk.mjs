// The Claude API's own SDK as people use it: node claude_sdk.mjs <address> <calls as JSON: [[kind, body, options], …]>
import Anthropic from "@anthropic-ai/sdk";

const [baseURL, given] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey: "any", maxRetries: 0 });

async function streamed(stream) {
  const events = [];
  stream.on("streamEvent", (event) => events.push(structuredClone(event))); // the SDK goes on to build upon some of them
  return { message: await stream.finalMessage(), events };
}

const kinds = {
  create: async (body, options) => ({ message: await client.messages.create(body, options) }),
  stream: (body, options) => streamed(client.messages.stream(body, options)),
  events: async (body, options) => {
    const events = [];
    try {
      for await (const event of await client.messages.create({ ...body, stream: true }, options)) events.push(event);
    } catch (error) {
      return { events, ...failed(error) };
    }
    return { events };
  },
  beta_create: async (body, options) => ({ message: await client.beta.messages.create(body, options) }),
  beta_stream: (body, options) => streamed(client.beta.messages.stream(body, options)),
  named: async (body, options) => {
    const { data, response } = await client.messages.create(body, options).withResponse();
    return { message: data, id: response.headers.get("x-keepstream-id"), location: response.headers.get("location") };
  },
  count: async (body, options) => ({ tokens: await client.messages.countTokens(body, options) }),
  models: async () => ({ models: (await client.models.list()).data, one: await client.models.retrieve("claude-opus-5") }),
};

function failed(error) {
  const { name, status = null, error: body = null } = error;
  return { error: { name, status, body, shown: status === null ? error.message : null } };
}

const answers = JSON.parse(given).map(([kind, body, options]) => kinds[kind](body, options).catch(failed));
console.log(JSON.stringify(await Promise.all(answers)));
