// What somebody writes with TypeScript at its strictest. Each `@ts-expect-error` is a mistake that must not pass.
import { conversationStore, Keepstream, KeepstreamError, streamStore } from "keepstream";
import type { ConversationMessage, End, KeepstreamOptions, Message, StreamEvent, StreamView } from "keepstream";
import { KeepstreamContext, useConversation, useStream } from "keepstream/react";

const options: KeepstreamOptions = {
  base: "https://relay.example",
  auth: async ({ id, path }) => (id ? { ticket: path, expires_at: new Date().toISOString() } : "a key"),
};
const keepstream = new Keepstream(options);
new Keepstream({ key: () => undefined, headers: { "x-one": "1" }, fetch });
// @ts-expect-error: there is no such option
new Keepstream({ api_key: "a key" });

export async function read(signal: AbortSignal): Promise<Message> {
  const { id, events_url } = await keepstream.submit({ prompt: "Hello" }, { signal, idempotencyKey: "one" });
  let text = "";
  let end: End | null = null;
  for await (const { type, data, id: place } of keepstream.events(id, { after: "", signal })) {
    place.toUpperCase();
    if (type === "relay.reset") text = "";
    if (data.delta?.type === "text_delta") text += data.delta.text;
    if (type === "content_block_start") data.content_block.type.toUpperCase();
    if (type === "relay.status" && data.state === "queued") data.position?.toFixed();
    if (type === "relay.end") end = data;
    // @ts-expect-error: there is no such event
    if (type === "relay.over") break;
  }
  for await (const event of keepstream.follow(events_url)) tell(event);
  if (end?.outcome === "failed") throw new Error(end.error?.message);
  // @ts-expect-error: a rating is up or down
  await keepstream.feedback(id, { rating: 2 });
  return keepstream.message(id, { signal });
}

function tell(event: StreamEvent): string {
  return event.type === "relay.retry" ? `${event.data.reason}: again in ${event.data.retry_in_ms} ms` : event.type;
}

export async function converse(): Promise<ConversationMessage[]> {
  const { id } = await keepstream.conversations.create({ title: "Rivers" });
  try {
    const said = await keepstream.conversations.say(id, "Hello");
    said.answer_id.toUpperCase();
    await keepstream.conversations.say(id, { content: "Hello", model: "claude-sonnet-5", after: said.message_id });
    await keepstream.conversations.continue(id, { max_tokens: 100 });
  } catch (error) {
    if (error instanceof KeepstreamError && error.status === 409) error.retryAfter?.toFixed();
  }
  for await (const { type, data } of keepstream.conversations.events(id)) {
    if (type === "message.added") return data.message.content ? [] : (await keepstream.conversations.get(id)).messages;
  }
  return [];
}

export const leave = streamStore(keepstream, "Hello").subscribe(() => {});
export const title: string | null = conversationStore(keepstream, null).get().title;

function words(view: StreamView): string {
  if (view.status === "ended") return view.outcome.toUpperCase();
  if (view.status === "error") return view.error.message;
  // @ts-expect-error: nothing has ended yet
  view.outcome.toUpperCase();
  return view.seconds ? `${view.status}: ${view.seconds} s` : view.status;
}

function Answer({ prompt }: { prompt: string }) {
  const { text, blocks, status, outcome, stop, submit, ...rest } = useStream(prompt, { onId: (id) => id.toUpperCase() });
  if (status === "ended") outcome.toUpperCase();
  return (
    <article onClick={() => submit({ prompt: "Another" })}>
      {blocks.map((block, at) => (block.type === "text" ? <p key={at}>{block.text}</p> : null))}
      <button onClick={stop}>{text.length || rest.position}</button>
    </article>
  );
}

export function Chat({ id }: { id?: string }) {
  const { messages, say, regenerate, stop, status } = useConversation(id);
  return (
    <KeepstreamContext value={keepstream}>
      {messages.map((message) => (
        <p key={message.id}>{message.pending ? "…" : message.content[0]?.text}</p>
      ))}
      <Answer prompt="Hello" />
      <button onClick={() => say("Hello").then(({ id }) => id)}>{status}</button>
      <button onClick={() => regenerate({ max_tokens: 100 })} onBlur={stop} />
    </KeepstreamContext>
  );
}

export { words };
