/**
 * One answer: what a stream's events, or a finished message's blocks, look like.
 *
 * The rule: it shows what came and says what is going on, whatever comes; an event that it does not know changes nothing.
 * It knows no network: events are handed to it.
 */

import { h } from "/chat/dom.js";
import { forget } from "/chat/highlight.js";
import { destination, link, Markdown } from "/chat/markdown.js";
import { soon } from "/chat/pace.js";
import { left, place, reason } from "/chat/words.js";

/** What takes longer is said with its time. */
const LONG_MS = 5000;

export class Answer {
  /** The article's part that this draws. */
  element = h("div", { class: "answer" });
  /** What a screen reader is told, piece by piece: `(text) => void`. */
  onText = () => {};
  model = null;
  #blocks = new Map();
  #body = h("div", { class: "body" });
  #status = h("p", { class: "status" });
  #countdown = null;
  #note = null;
  #quiet = "Waiting";
  #said = null;
  #draw = (deadline) => this.#flush(deadline);

  constructor() {
    this.element.append(this.#body, this.#status);
  }

  /** All text of it, as Markdown. */
  get text() {
    return [...this.#blocks.values()].filter((part) => part instanceof Text).map((part) => part.text).join("\n\n");
  }

  get isEmpty() {
    return this.#blocks.size === 0;
  }

  /** Shows the content of a finished message. */
  fill(content) {
    this.clear();
    (content ?? []).forEach((block, index) => {
      const part = this.#begin(index, block);
      part?.whole(block);
      part?.end();
    });
    this.say("");
    soon(this.#draw);
  }

  /** Takes one event of its stream. */
  take(type, data) {
    switch (type) {
      case "message_start":
        this.model = data.message?.model ?? null;
        if (!this.#stale) this.say("Thinking", { busy: true }); // what became of the old text is still news
        break;
      case "content_block_start": {
        const part = this.#begin(data.index, data.content_block ?? {});
        part?.whole(data.content_block);
        this.#say(part);
        break;
      }
      case "content_block_delta": {
        const part = this.#blocks.get(data.index);
        if (!part) break;
        this.#dropStale();
        part.delta(data.delta ?? {});
        // Not when its block begins: the first word may be long in coming.
        if (part instanceof Text) this.say("");
        if (data.delta?.type === "text_delta") this.onText(data.delta.text ?? "");
        break;
      }
      case "content_block_stop":
        this.#blocks.get(data.index)?.end();
        this.say("Thinking", { busy: true });
        break;
      case "relay.status":
        if (data.state === "queued") this.say(place(data.position), { busy: true });
        break;
      case "relay.retry":
        this.wait(`${reason(data.reason)}. Trying again`, data.retry_in_ms);
        break;
      case "relay.reset":
        this.reset();
        break;
      case "relay.tool":
        [...this.#blocks.values()].find((part) => part.id && part.id === data.tool_use_id)?.result(data.content, data.is_error);
        break;
      case "message_stop":
        this.say("");
        break;
    }
    soon(this.#draw);
  }

  /** Another attempt: what was there fades while the new one begins. */
  reset() {
    const begun = !this.isEmpty;
    if (begun) {
      const old = this.#body;
      old.classList.add("stale");
      old.setAttribute("aria-hidden", "true");
      this.#stale?.remove();
      this.#stale = old;
      this.#body = h("div", { class: "body" });
      old.after(this.#body);
      this.#blocks.clear();
    }
    this.say(begun ? "The answer was interrupted. It begins again" : "Waiting", { busy: true });
  }

  #stale = null;

  clear() {
    for (const element of [this.#body, this.#stale]) if (element) forget(element);
    this.#stale?.remove();
    this.#stale = null;
    this.#body.replaceChildren();
    this.#blocks.clear();
  }

  /** No more comes: what is open is closed as it stands. */
  end() {
    for (const part of this.#blocks.values()) part.end();
    this.say("");
    this.#dropStale();
    soon(this.#draw);
  }

  /** Says what is going on, below the text, and for how long when it takes long; "" is nothing. */
  say(text, { busy = false } = {}) {
    if (text === this.#said) return;
    clearInterval(this.#countdown);
    this.#countdown = null;
    this.#said = this.#quiet = text;
    this.#write(text, busy);
    if (!busy) return;
    const since = performance.now();
    this.#countdown = setInterval(() => {
      const ms = performance.now() - since;
      if (ms < LONG_MS) return;
      this.#quiet = `${text} · ${left(ms)}`;
      this.#write(this.#quiet, true);
    }, 1000);
  }

  /** Says it with the seconds that are left, and then that it is being done. */
  wait(text, ms) {
    const until = performance.now() + ms;
    const tick = () => {
      const rest = until - performance.now();
      if (rest > 0) return this.#write(`${text} in ${left(rest)}`, true);
      this.say(`${text} now`, { busy: true });
    };
    this.say("");
    this.#said = null;
    this.#countdown = setInterval(tick, 250);
    tick();
  }

  /** What is going on with the connection comes first; null gives the word back. */
  connection(text) {
    this.#note = text;
    this.#write(this.#quiet, true);
  }

  close() {
    clearInterval(this.#countdown);
    forget(this.element);
  }

  #write(text, busy) {
    const shown = this.#note ?? text;
    if (this.#status.textContent !== shown) this.#status.textContent = shown;
    this.#status.classList.toggle("busy", Boolean(shown) && (busy || this.#note !== null));
    this.#status.hidden = !shown;
  }

  #say(part) {
    if (part instanceof Thinking) this.say(""); // it says so itself
    else if (part?.name) this.say(`Using ${part.name}`, { busy: true });
  }

  #begin(index, block) {
    const part = make(block);
    if (part === null) return null;
    this.#blocks.set(index, part);
    this.#body.append(part.element);
    return part;
  }

  #dropStale() {
    if (!this.#stale) return;
    forget(this.#stale);
    this.#stale.remove();
    this.#stale = null;
  }

  #flush(deadline) {
    let more = false;
    for (const part of this.#blocks.values()) {
      if (performance.now() > deadline) return true;
      more = part.draw(deadline) || more;
    }
    return more;
  }
}

function make(block) {
  switch (block.type) {
    case "text":
      return new Text();
    case "thinking":
      return new Thinking();
    case "redacted_thinking":
      return new Note("Part of the thinking is not shown, for safety.");
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use":
      return new Tool(block.name ?? "a tool", block.id);
    case "compaction":
      return new Note("Earlier messages were summed up, to make room.");
    default:
      return block.type?.endsWith("_tool_result") ? new Result(block.type) : null;
  }
}

/** A block without anything to draw later. */
class Part {
  whole() {}
  delta() {}
  end() {}
  draw() {
    return false;
  }
}

class Text extends Part {
  element = h("div", { class: "markdown" });
  #markdown = new Markdown(this.element);
  #sources = new Map();

  get text() {
    return this.#markdown.text;
  }

  whole(block) {
    this.#markdown.write(block?.text ?? "");
    for (const citation of block?.citations ?? []) this.#cite(citation);
  }

  delta(delta) {
    if (delta.type === "text_delta") this.#markdown.write(delta.text ?? "");
    if (delta.type === "citations_delta") this.#cite(delta.citation ?? {});
  }

  #cite(citation) {
    const name = citation.title ?? citation.document_title ?? citation.url ?? "source";
    this.#sources.set(citation.url ?? name, [name, citation]);
  }

  end() {
    this.#markdown.end();
  }

  draw(deadline) {
    const more = this.#markdown.draw(deadline);
    if (this.#sources.size && !this.element.nextElementSibling?.matches(".sources") && this.element.isConnected) {
      this.element.after(h("p", { class: "sources" }, "Sources: "));
    }
    const list = this.element.nextElementSibling;
    for (const [name, citation] of [...this.#sources.values()].slice(list?.childElementCount ?? 0)) {
      const title = citation.cited_text ?? null;
      const shown = citation.url && destination(citation.url) ? link(citation.url, title, name) : h("cite", { title }, name);
      list?.append(list.childElementCount ? ", " : "", shown);
    }
    return more;
  }
}

/** Text that folds away, plain: a person who wants to know looks inside. */
class Folded extends Part {
  #pre = h("div", { class: "folded" });
  #waiting = "";

  constructor(kind, label) {
    super();
    this.label = h("span", {}, label);
    this.element = h("details", { class: kind }, h("summary", {}, this.label), this.#pre);
  }

  append(text) {
    this.#waiting += text;
  }

  show(text) {
    this.#pre.textContent = "";
    this.#waiting = text;
  }

  draw() {
    if (this.#waiting) {
      if (!this.#pre.firstChild) this.#pre.append("");
      this.#pre.firstChild.appendData(this.#waiting);
      this.#waiting = "";
    }
    return false;
  }
}

class Thinking extends Folded {
  #since = performance.now();
  #live = false;

  constructor() {
    super("thinking", "Thinking");
    this.element.classList.add("live");
  }

  whole(block) {
    this.append(block?.thinking ?? "");
  }

  delta(delta) {
    this.#live = true;
    if (delta.type === "thinking_delta") this.append(delta.thinking ?? "");
  }

  end() {
    const took = Math.round((performance.now() - this.#since) / 1000);
    this.element.classList.remove("live");
    this.label.textContent = this.#live && took > 0 ? `Thought for ${took} s` : "Thoughts";
    this.#live = false;
  }
}

class Tool extends Folded {
  #json = "";

  constructor(name, id) {
    super("tool", `Tool: ${name}`);
    Object.assign(this, { name, id });
  }

  whole(block) {
    if (block?.input && Object.keys(block.input).length) this.show(pretty(block.input));
  }

  delta(delta) {
    if (delta.type !== "input_json_delta") return;
    this.#json += delta.partial_json ?? "";
    this.append(delta.partial_json ?? "");
  }

  end() {
    if (this.#json) this.show(pretty(parsed(this.#json)));
    this.#json = "";
  }

  result(content, isError) {
    this.append(`\n\n${isError ? "Error" : "Result"}:\n${typeof content === "string" ? content : pretty(content)}`);
    this.element.classList.toggle("failed", Boolean(isError));
  }
}

class Result extends Folded {
  constructor(type) {
    super("tool", `Result: ${type.replace(/_tool_result$/, "").replaceAll("_", " ")}`);
  }

  whole(block) {
    this.show(pretty(block?.content ?? null));
  }
}

class Note extends Part {
  constructor(text) {
    super();
    this.element = h("p", { class: "note" }, text);
  }
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
