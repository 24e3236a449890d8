// A page over Keepstream as one writes it with React: ?app=useChat by our transport, ?app=assistant by assistant-ui's.
import { useChat } from "@ai-sdk/react";
import { AssistantRuntimeProvider, MessagePrimitive, ThreadPrimitive } from "@assistant-ui/react";
import { AssistantChatTransport, createResumableSessionStorage, useChatRuntime } from "@assistant-ui/react-ai-sdk";
import { keepstreamChat } from "keepstream/ai";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const { app, base, id, key, ...options } = Object.fromEntries(new URLSearchParams(location.search));
const told = (window.told = { finishes: [], errors: [], states: [] });
const textOf = ({ parts }) => parts.flatMap(({ type, text }) => (type === "text" ? [text] : [])).join("");
const noted = {
  onFinish: ({ message, messages, ...how }) => told.finishes.push({ ...how, text: textOf(message) }),
  onError: (error) => told.errors.push(error.message),
};

const ours = keepstreamChat({
  base,
  auth: async () => key,
  onState: (state) => told.states.push(state),
  ...(options.resume && { resume: false }),
  ...(options.stop && { stop: options.stop }),
});

/** As an application stores what was said. */
const stored = (messages) => {
  if (messages) sessionStorage[id] = JSON.stringify(messages);
  return JSON.parse(sessionStorage[id] ?? "[]");
};

function Chat() {
  const chat = useChat({ id, resume: true, transport: ours, messages: stored(), ...noted });
  window.chat = chat;
  useEffect(() => void stored(chat.messages), [chat.messages]);
  return <Shown status={chat.status} error={chat.error} messages={chat.messages} />;
}

function Shown({ status, error, messages }) {
  return (
    <main data-status={status} data-error={error?.message}>
      {messages.map((message) => (
        <p key={message.id} data-role={message.role}>
          {textOf(message)}
        </p>
      ))}
    </main>
  );
}

/** The chat of a page that is left for another, and come back to. */
function Pages() {
  const [shown, show] = useState(true);
  window.show = show;
  return shown ? <Chat /> : <main data-status="away" />;
}

const storage = createResumableSessionStorage();
const theirs = new AssistantChatTransport({
  api: `${base}/api/chat`,
  headers: { authorization: `Bearer ${key}` },
  resumable: { storage, resumeApi: (streamId) => `${base}/api/chat/resume/${streamId}` },
});

function Said() {
  return (
    <MessagePrimitive.If user>
      <p data-role="user">
        <MessagePrimitive.Parts />
      </p>
    </MessagePrimitive.If>
  );
}

function Answered() {
  return (
    <p data-role="assistant">
      <MessagePrimitive.Parts components={{ Text: ({ text }) => text }} />
    </p>
  );
}

function Assistant() {
  const runtime = useChatRuntime({ transport: theirs, ...noted });
  window.assistant = { runtime, storage };
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Messages components={{ UserMessage: Said, AssistantMessage: Answered }} />
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

const root = createRoot(document.getElementById("root"));
root.render(<StrictMode>{app === "assistant" ? <Assistant /> : <Pages />}</StrictMode>);
