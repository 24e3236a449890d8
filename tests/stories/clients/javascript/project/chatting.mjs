// The AI SDK's transport over answers that are made up: node chatting.mjs <scenario>
import { keepstreamChat } from "keepstream/ai";

const STREAM = "st_0123456789abcdef0123456789abcdef";
const START = { type: "start", messageId: `msg_${STREAM}` };
const STEP = { type: "start-step" };
const DONE = "data: [DONE]\n\n";
const delta = (text) => ({ type: "text-delta", id: "1-0", delta: text });
const event = (chunk) => (typeof chunk === "string" ? chunk : `data: ${JSON.stringify(chunk)}\n\n`);
const unnamed = (...chunks) => () => new Response(new Blob(chunks.map(event)));
const answer = (...chunks) => () =>
  new Response(new Blob(chunks.map(event)), { headers: { "x-resumable-stream-id": STREAM } });
const refusal = (status) => () => Response.json({ error: { type: "api_error", message: `it is ${status}` } }, { status });

/** What a chat that is answered so hears, and what was asked for. */
async function heard(...answers) {
  const asked = [];
  const fetch = async (path, { method = "GET", headers }) => {
    asked.push([method, path.replace(STREAM, "ID"), headers.get("idempotency-key")]);
    return answers.shift()();
  };
  const chunks = [];
  const messages = [{ id: "u1", role: "user", parts: [] }];
  let failed = null;
  try {
    const stream = await keepstreamChat({ fetch }).sendMessages({ chatId: "c/ä", messages, trigger: "submit-message" });
    for await (const chunk of stream) chunks.push(chunk);
  } catch ({ name, message }) {
    failed = `${name}: ${message}`;
  }
  return { chunks: chunks.map(({ type, delta }) => delta ?? type), failed, asked };
}

const scenarios = {
  /** A clean end that is none, in the middle of an event; comments, and what only the moment tells. */
  ended: () =>
    heard(
      answer(": ping\n\n", START, { type: "data-status", transient: true }, STEP, delta("a"), 'data: {"type":"te'),
      answer(START, STEP, delta("a"), { type: "data-status", transient: true }, delta("b"), { type: "finish" }, DONE),
    ),
  /** What follows is another attempt's: it takes the place of what was shown. */
  another: () =>
    heard(answer(START, STEP, delta("a"), delta("b")), answer(START, STEP, delta("a"), delta("c"), delta("d"), DONE)),
  /** An attempt that was taken back in sight is nothing that has to come again. */
  taken_back: () =>
    heard(answer(START, STEP, delta("a"), { type: "reset-step" }, delta("b")), answer(START, STEP, delta("b"), delta("c"), DONE)),
  /** Its first step cannot be taken back any more. */
  glued: () => heard(answer(START, STEP, delta("a"), STEP, delta("b")), answer(START, STEP, delta("x"), DONE)),
  cancelled: () => heard(answer(START, STEP, delta("a")), () => new Response(null, { status: 204 })),
  stopped: () => heard(answer(START, STEP, delta("a"), { type: "abort" }, DONE)),
  gone: () => heard(answer(START), refusal(410)),
  away: () => heard(refusal(503), answer(START, DONE)),
  unnamed: () => heard(unnamed(START, STEP, delta("a")), unnamed(START, STEP, delta("a"), delta("b"), DONE)),
  refused: () => heard(refusal(429)),
};

console.log(JSON.stringify(await scenarios[process.argv[2]]()));
process.exit(0);
