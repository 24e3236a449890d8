// Durable Streams' own tests write what they then read. Reading is ours: each of their requests that reads goes to the
// front as it is, but for the address. Writing is not: it goes to whoever writes logs by hand (tests/app/faces/durable).
// A stream of theirs that is not JSON has its bytes as JSON strings in ours, and gets them back here.
const { FRONT, WRITER } = process.env;
const UNKNOWN = `st_${"0".repeat(32)}`;
const made = new Map(); // their path: our id, and the type that they gave it
const real = globalThis.fetch;

globalThis.fetch = async (input, init = {}) => {
  const url = new URL(String(input));
  const method = (init.method ?? "GET").toUpperCase();
  if (["PUT", "POST", "DELETE"].includes(method)) return written(url, method, init);
  const stream = made.get(url.pathname);
  const address = `${FRONT}/v1/streams/${stream?.id ?? UNKNOWN}/log${url.search}`;
  const answer = await real(address, init);
  const json = !stream || stream.type.toLowerCase().startsWith("application/json");
  if (json || answer.status !== 200 || !answer.headers.get("content-type").includes("json")) return answer;
  const headers = new Headers(answer.headers);
  headers.set("content-type", stream.type);
  if (method === "HEAD") return new Response(null, { status: 200, headers });
  const bytes = Buffer.from((await answer.json()).filter((one) => typeof one === "string").join(""), "latin1");
  headers.set("content-length", String(bytes.length));
  return new Response(bytes, { status: 200, headers });
};

async function written(url, method, init) {
  const answer = await real(WRITER + url.pathname + url.search, { ...init, duplex: init.body ? "half" : undefined });
  const [id, type] = [answer.headers.get("x-stream-id"), answer.headers.get("x-stream-type")];
  if (method === "DELETE") made.delete(url.pathname);
  else if (id) made.set(url.pathname, { id, type });
  return answer;
}
