// The AI SDK as a page uses it, without a page: node ai_sdk.mjs <address> <scenario> <arguments as JSON>
import {
  AbstractChat,
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithToolCalls,
  uiMessageChunkSchema,
} from "ai";

const [address, scenario, given = "{}"] = process.argv.slice(2);
const asked = JSON.parse(given);

/** What `useChat` keeps in React's state. */
class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => {
    this.messages = this.messages.concat(message);
  };
  popMessage = () => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index, message) => {
    this.messages = this.messages.with(index, this.snapshot(message));
    this.onReplace?.(message);
  };
  snapshot = (thing) => structuredClone(thing);
}

class Chat extends AbstractChat {
  constructor({ id = asked.chat, state = new State(), body = asked.body, api = `${address}/api/chat`, ...options } = {}) {
    const finishes = [];
    const data = [];
    super({
      id,
      state,
      transport: new DefaultChatTransport({
        api,
        body,
        headers: { "x-api-key": "any" },
        prepareReconnectToStreamRequest: ({ id }) => ({
          api: `${api}/${encodeURIComponent(id)}/stream${asked.unseen ? "?unseen=1" : ""}`,
        }),
      }),
      onFinish: ({ isAbort, isDisconnect, isError, finishReason }) =>
        finishes.push({ isAbort, isDisconnect, isError, finishReason }),
      onData: (part) => data.push(part),
      ...options,
    });
    this.finishes = finishes;
    this.data = data;
    this.store = state;
  }

  /** Resolves when the answer has so many characters. */
  shown(characters) {
    return new Promise((resolve) => {
      this.store.onReplace = (message) => {
        if (textOf(message).length >= characters) resolve();
      };
    });
  }

  told() {
    return {
      status: this.status,
      error: this.error?.message,
      messages: this.messages,
      finishes: this.finishes,
      data: this.data,
      text: this.lastMessage?.role === "assistant" ? textOf(this.lastMessage) : null,
    };
  }
}

const textOf = (message) => message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");

const scenarios = {
  async send() {
    const chat = new Chat();
    await chat.sendMessage({ text: asked.prompt, files: asked.files });
    for (const text of asked.then ?? []) await chat.sendMessage({ text });
    return chat.told();
  },
  async cut() {
    const chat = new Chat();
    await chat.sendMessage({ text: asked.prompt });
    const first = chat.told();
    for (let tries = 0; chat.status === "error" && tries < 10; tries++) await chat.resumeStream();
    return { first, ...chat.told() };
  },
  async resume() {
    // Another tab, or the same page loaded anew: it has nothing but what was stored.
    const chat = new Chat();
    chat.messages = asked.messages ?? [];
    await chat.resumeStream();
    return chat.told();
  },
  async stop() {
    const chat = new Chat();
    const shown = chat.shown(20);
    const sending = chat.sendMessage({ text: asked.prompt });
    await shown;
    // `stop` alone leaves; the DELETE stops for real.
    await chat.stop();
    await sending;
    const path = `${address}/api/chat/${encodeURIComponent(asked.chat)}/stream`;
    const runs = (await fetch(path, { method: "HEAD" })).status;
    const stopped = (await fetch(path, { method: "DELETE" })).status;
    const left = (await fetch(path)).status;
    return { runs, stopped, left, ...chat.told() };
  },
  async regenerate() {
    const chat = new Chat();
    await chat.sendMessage({ text: asked.prompt });
    const first = chat.told();
    await chat.regenerate();
    return { first, ...chat.told() };
  },
  async second() {
    const older = new Chat();
    const shown = older.shown(20);
    const sending = older.sendMessage({ text: asked.prompt });
    await shown;
    const newer = new Chat();
    await newer.sendMessage({ text: asked.then });
    await sending;
    return { older: older.told(), newer: newer.told() };
  },
  async tool() {
    const chat = new Chat({
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall }) => {
        chat.addToolOutput({ tool: toolCall.toolName, toolCallId: toolCall.toolCallId, output: asked.output });
      },
    });
    await chat.sendMessage({ text: asked.prompt });
    return chat.told();
  },
  async tool_resumed() {
    let called = 0;
    const options = { onToolCall: () => void called++ };
    const chat = new Chat(options);
    await chat.sendMessage({ text: asked.prompt });
    const { toolCallId } = chat.lastMessage.parts.find((part) => part.type.startsWith("tool-"));
    await chat.addToolOutput({ tool: "get_weather", toolCallId, output: asked.output });
    const shown = chat.shown(5);
    const answering = chat.sendMessage();
    await shown;
    // The page is loaded anew, with what it had stored.
    const again = new Chat(options);
    again.messages = structuredClone(chat.messages);
    await again.resumeStream();
    await answering;
    return { live: chat.told(), called, ...again.told() };
  },
  async chunks() {
    const body = {
      id: asked.chat,
      messages: [{ id: "u1", role: "user", parts: [{ type: "text", text: asked.prompt }] }],
      trigger: "submit-message",
      ...asked.body,
    };
    const response = await fetch(`${address}/api/chat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { headers: Object.fromEntries(response.headers), ...(await validated(await response.text())) };
  },
  async validate() {
    return validated(asked.stream);
  },
};

/** The chunks of a stream, and what the SDK's own schema has against them. */
async function validated(stream) {
  const schema = uiMessageChunkSchema();
  const [chunks, wrong] = [[], []];
  for (const line of stream.split("\n")) {
    if (line === "" || line.startsWith(":")) continue;
    if (!line.startsWith("data: ")) {
      wrong.push(line);
    } else if (line !== "data: [DONE]") {
      const chunk = JSON.parse(line.slice(6));
      chunks.push(chunk);
      const { success, error } = await schema.validate(chunk);
      if (!success) wrong.push({ chunk, error: String(error) });
    }
  }
  return { chunks, wrong, done: stream.endsWith("data: [DONE]\n\n") };
}

console.log(JSON.stringify(await scenarios[scenario]()));
process.exit(0);
