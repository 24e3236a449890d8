// What somebody with the AI SDK writes, with TypeScript at its strictest. Each `@ts-expect-error` must not pass.
import { Chat, useChat } from "@ai-sdk/react";
import type { ChatTransport, UIMessage } from "ai";
import { Keepstream } from "keepstream";
import { keepstreamChat } from "keepstream/ai";
import type { KeepstreamChatOptions, KeepstreamChatTransport } from "keepstream/ai";

type Mine = UIMessage<{ streamId?: string }, { status: { state: string } }>;

const options: KeepstreamChatOptions = {
  base: "https://relay.example",
  auth: async () => ({ key: "a token", expires_at: new Date().toISOString() }),
  body: async () => ({ model: "claude-opus-5-5" }),
  onState: (state, waitMs) => `${state satisfies "connecting" | "open" | "waiting"} ${waitMs?.toFixed()}`,
  stop: "leave",
};
const transport = keepstreamChat(options);
const typed: KeepstreamChatTransport<Mine> = keepstreamChat({ client: new Keepstream(), resume: false });
const theirs: ChatTransport<Mine> = typed;
// @ts-expect-error: there is no such option
keepstreamChat({ url: "https://relay.example" });
// @ts-expect-error: it either cancels or leaves
keepstreamChat({ stop: true });

export function Simple({ id }: { id: string }) {
  const { messages, sendMessage, stop } = useChat({ id, resume: true, transport });
  return (
    <button onClick={() => (messages.length ? void stop() : void sendMessage({ text: "Hello" }))}>{messages.length}</button>
  );
}

export function Inline({ id }: { id: string }) {
  const { messages } = useChat<Mine>({
    id,
    transport: keepstreamChat({ base: "" }),
    onFinish: ({ message, isAbort, isDisconnect, isError }) => void [message.metadata?.streamId, isAbort, isDisconnect, isError],
    onData: ({ type, data }) => void `${type satisfies "data-status"} ${data.state}`,
  });
  // @ts-expect-error: it has no such metadata
  return <p>{messages.map(({ metadata }) => metadata?.stream)}</p>;
}

export const chat = new Chat<Mine>({ id: "a", transport: theirs });
export const stopped: Promise<void> = transport.stop("a");
