/** What the page says: numbers, times and states in words. Pure. */

const number = new Intl.NumberFormat("en");

/** `1,204 tokens · first after 0.4 s · 81 tokens/s`, as far as it is known. */
export function measured(usage, timing) {
  const count = usage?.output_tokens;
  const parts = [];
  if (count) parts.push(tokens(count));
  const first = timing?.first_token_ms;
  if (first !== null && first !== undefined) {
    parts.push(`first after ${seconds(first)}`);
    const writing = timing.total_ms - first;
    if (count > 1 && writing > 0) parts.push(`${number.format(Math.round((count - 1) / (writing / 1000)))} tokens/s`);
  }
  return parts.join(" · ");
}

export function tokens(count) {
  return `${number.format(count)} ${count === 1 ? "token" : "tokens"}`;
}

/** `$0.0039 · saved $0.012 by caching`, as far as it is known. */
export function spent({ cost_usd: cost, saved_usd: saved }) {
  const parts = typeof cost === "number" ? [dollars(cost)] : [];
  if (saved > 0) parts.push(`caching saved ${dollars(saved)}`);
  return parts.join(" · ");
}

function dollars(usd) {
  if (usd === 0 || usd >= 1) return `$${usd.toFixed(usd ? 2 : 0)}`;
  return usd < 0.0001 ? "< $0.0001" : `$${usd.toFixed(usd < 0.01 ? 4 : 3).replace(/0+$/, "")}`;
}

/** A model's name as people say it: `claude-opus-4-8-20260401` is Claude Opus 4.8. */
export function named(model) {
  const [, line, version] = /^claude-([a-z]+)-(\d+(?:-\d{1,2})?)(?:-\d{8})?$/.exec(model) ?? [];
  return line ? `Claude ${line[0].toUpperCase()}${line.slice(1)} ${version.replace("-", ".")}` : model;
}

export function seconds(ms) {
  if (ms < 950) return `${(ms / 1000).toFixed(ms < 95 ? 2 : 1)} s`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** What is left of a wait, in whole seconds. */
export function left(ms) {
  return `${Math.max(1, Math.ceil(ms / 1000))} s`;
}

export function place(position) {
  if (!(position > 0)) return "Waiting in line";
  return position === 1 ? "Next in line" : `Number ${number.format(position)} in line`;
}

const REASONS = {
  rate_limit_error: "Claude asked us to slow down",
  overloaded_error: "Claude is overloaded",
  api_error: "Claude had an internal error",
  timeout_error: "Claude didn’t answer in time",
  worker_lost: "The server lost a worker",
  worker_drained: "The server is restarting",
};

/** Why the upstream is called again: the `reason` of `relay.retry`. */
export function reason(why) {
  return Object.hasOwn(REASONS, why) ? REASONS[why] : "Couldn’t reach Claude";
}

/** How an answer ended, if that wants saying: `{ text, actions, bad }`, or null. */
export function ending(end) {
  // From a call alone nothing can go on. What there is comes after the stream's end.
  const goesOn = end.content && !textOf(end.content).trim() ? [] : ["continue"];
  switch (end.outcome) {
    case "truncated":
      return end.stop_reason === "model_context_window_exceeded"
        ? { text: "This chat is as long as the model can read. Start a new one, or branch from an earlier message.", actions: [] }
        : { text: "The answer reached its length limit.", actions: goesOn.length ? goesOn : ["regenerate"] };
    case "cancelled":
      return { text: "Stopped.", actions: [...goesOn, "regenerate"] };
    case "refused":
      return { text: "Claude declined to answer this. Try rephrasing it, or start a new chat.", actions: ["edit"] };
    case "expired":
      return { text: unfinished("The answer took too long.", end), actions: ["regenerate"], bad: true };
    case "failed":
      return { text: unfinished(failure(end.error), end), actions: [isTooLong(end.error) ? "edit" : "regenerate"], bad: true };
    default:
      return null;
  }
}

/** What came before a failure stays to be read; that it is not the whole is said. */
function unfinished(text, { content }) {
  return textOf(content).trim() ? `${text} This answer is incomplete.` : text;
}

const FAILURES = {
  overloaded_error: "Claude is overloaded right now. Try again in a moment.",
  billing_error: "Your budget ran out before the answer was finished.",
  max_turns_error: "Claude used its tools as often as it may, and has no answer yet.",
  tool_interrupted: "The server was interrupted while a tool was running, and it’s not safe to run that tool twice.",
  rate_limit_error: "You’ve reached the request limit. Try again in a minute.",
  request_too_large: "This chat is too large to send. Branch from an earlier message, or remove a file.",
  timeout_error: "Claude didn’t answer in time. Try again.",
};

/** What the Claude API says of a history that is beyond a model's context. */
function isTooLong(error) {
  return /^prompt is too long|exceed context limit/.test(error?.message);
}

/** An error of the API's shape, as somebody wants to read it. */
export function failure(error) {
  if (!error) return "The answer failed. Try again.";
  if (isTooLong(error)) {
    return "This chat is too long for the model. Shorten your message, remove a file, ask for a short answer, or start a new chat.";
  }
  return FAILURES[error.type] ?? `The answer failed: ${error.message}`;
}

/**
 * What a refused or failed call says to a person, in a few words. (What a message met, and what one can do about it, is said
 * at length: `/chat/composing/refusals.js`.)
 */
export function trouble(error) {
  const { status, message = "" } = error;
  switch (status) {
    case undefined:
      // A fault of ours is none of the network's, of which browsers say by a TypeError, too.
      return error instanceof TypeError && !/fetch|network|load failed|import|module/i.test(message)
        ? "Something went wrong on this page. Reload to continue." : "Couldn’t reach the server.";
    case 401:
      return "This server needs a key. Sign in to continue.";
    case 404:
      return "This chat isn’t available to you. It may belong to another account, or the link is wrong.";
    case 410:
      return "This chat was deleted.";
    default:
      return status >= 500 ? `Something went wrong on the server: ${message}` : own(message);
  }
}

/** A server's own words, without their field's name and what to do about it. */
export function own(message) {
  const text = message.replace(/^[\w.]+: |; try again .*$/g, "");
  return (text.charAt(0).toUpperCase() + text.slice(1)).replace(/[^.]$/, "$&.");
}

/** `640 kB` or `3.2 MB`; of a limit never more than it is. */
export function megabytes(bytes) {
  const mega = bytes / 1_048_576;
  if (mega < 0.1) return `${Math.max(1, Math.round(bytes / 1024))} kB`;
  return `${mega < 10 ? Math.floor(mega * 10) / 10 : Math.floor(mega)} MB`;
}

/** How many midnights have passed. */
export function daysSince(iso, now) {
  const midnight = (time) => {
    const date = new Date(time);
    return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  };
  return Math.round((midnight(now) - midnight(iso)) / 86_400_000);
}

/** `14:05`, `Mon 14:05` or `3 Mar`, by the server's clock: the reader's own may be wrong. */
export function when(iso, now) {
  const at = new Date(iso);
  const days = daysSince(iso, now);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (days <= 0) return time;
  if (days < 7) return `${at.toLocaleDateString([], { weekday: "short" })} ${time}`;
  return at.toLocaleDateString([], { day: "numeric", month: "short", year: days > 300 ? "numeric" : undefined });
}

/** All that was said in an answer, its steps included. */
export function saidIn({ content, steps = [] }) {
  return [...steps, { content }].map((step) => textOf(step.content)).filter(Boolean).join("\n\n");
}

/** The text of a message's content, as Markdown. */
export function textOf(content) {
  if (typeof content === "string") return content;
  return (content ?? []).filter((block) => block.type === "text").map((block) => block.text).join("\n\n");
}

/** Why something was not taken. What that needs is loaded then. */
export async function inWords(error) {
  return (await import("/chat/composing/refusals.js").catch(() => null))?.refused(error) ?? trouble(error);
}
