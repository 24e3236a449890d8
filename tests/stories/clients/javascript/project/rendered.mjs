// Both hooks on a server, as a framework renders them there: what they show, and what they ask for.
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { useConversation, useStream } from "keepstream/react";

const asked = [];
globalThis.fetch = (url) => asked.push(url);

function Answer({ of }) {
  const { status, text } = useStream(of);
  return createElement("p", null, `${status} ${text}`);
}

function Chat({ id }) {
  const { status, messages } = useConversation(id);
  return createElement("p", null, `${status} ${messages.length}`);
}

const pages = [
  createElement(Answer, { of: "Hello" }),
  createElement(Answer, { of: { prompt: "Hello" } }),
  createElement(Answer, { of: "st_00000000000000000000000000000000" }),
  createElement(Answer, { of: null }),
  createElement(Chat, { id: "cv_00000000000000000000000000000000" }),
  createElement(Chat, {}),
].map((page) => renderToString(page));
await new Promise((go) => setTimeout(go, 50));
console.log(JSON.stringify({ pages, asked, window: typeof window }));
