/**
 * One answer: what a stream's events, or a finished message's blocks, look like.
 *
 * The rule: it shows what came and says what is going on, whatever comes; an event that it does not know changes nothing.
 * Where a worker runs tools it has several turns, one below the other. It knows no network: events are handed to it.
 */

import { make, Text, Thinking } from "/chat/answer/blocks.js";
import { h } from "/chat/dom.js";
import { forget } from "/chat/markdown/shape.js";
import { soon } from "/chat/pace.js";
import { left, place, reason, tokens } from "/chat/words.js";

/** What takes longer is said with its time. */
const LONG_MS = 5000;

export class Answer {
  /** The article's part that this draws. */
  element = h("div", { class: "answer" });
  /** What a screen reader is told, piece by piece: `(text) => void`. */
  onText = () => {};
  /** And what else there is to hear. */
  onNews = () => {};
  /** Whether the call of a tool may be made: `(id, { approve, reason? }) => Promise`. */
  onVerdict = () => {};
  model = null;
  /** All parts with their turns, and those of this turn by their index. */
  #parts = [];
  #blocks = new Map();
  #turn = 0;
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
    return this.#parts.filter((part) => part instanceof Text).map((part) => part.text).join("\n\n");
  }

  get isEmpty() {
    return !this.#parts.length;
  }

  /** Shows a finished message: its content, and before that what was said and given in the steps to it. */
  fill({ content, steps = [], tool_results = [] }) {
    this.clear();
    for (const step of [...steps, { content }, { content: tool_results }]) {
      (step.content ?? []).forEach((block, index) => {
        if (block.type === "tool_result") return this.given(block);
        const part = this.#begin(index, block);
        part?.whole(block);
        part?.end();
      });
    }
    this.say("");
    soon(this.#draw);
  }

  /** Takes one event of its stream. */
  take(type, data) {
    switch (type) {
      case "message_start":
        this.model = data.message?.model ?? null;
        if (!this.#turn++ && !this.isEmpty) this.clear(); // of what was asked before anything was shown
        this.#blocks = new Map();
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
        if (data.state === "held") this.wait("Claude asked us to slow down. Continuing", data.retry_in_ms);
        if (data.state === "thinking") this.#since("Still thinking", data.silent_ms);
        if (data.state === "running") this.#since(`Writing · ${tokens(data.output_tokens)}`, data.elapsed_ms);
        break;
      case "relay.retry":
        this.wait(`${reason(data.reason)}. Trying again`, data.retry_in_ms);
        break;
      case "relay.reset":
        this.reset(data.turn);
        break;
      case "relay.approval":
        if (!this.#find(data.tool_use_id)) this.#begin(data.tool_use_id, { type: "tool_use", id: data.tool_use_id, ...data })?.whole(data);
        this.#find(data.tool_use_id).tell("ask");
        this.#running();
        this.onNews(`${data.name} waits for your approval.`);
        break;
      case "relay.tool":
        this.#given(data.tool_use_id, data.content, data.is_error, data.elapsed_ms);
        this.onNews(`${data.name} ${data.is_error ? "failed" : "is done"}.`);
        this.#running();
        break;
      case "message_stop":
        this.#running();
        break;
    }
    soon(this.#draw);
  }

  /** Another attempt, or another one of a turn: what was there of it fades while the new one begins. */
  reset(turn = 1) {
    const gone = this.#parts.filter((part) => part.turn >= turn);
    if (gone.length) {
      this.#dropStale();
      this.#stale = h("div", { class: "body stale", "aria-hidden": "true" });
      const isAll = gone.length === this.#parts.length;
      (isAll ? this.#body : gone[0].element).before(this.#stale);
      for (let next; (next = isAll ? this.#body.firstChild : this.#stale.nextSibling); ) this.#stale.append(next);
      this.#parts = this.#parts.filter((part) => part.turn < turn);
      this.#blocks.clear();
    }
    this.#turn = turn - 1;
    this.say(gone.length ? "The answer was interrupted. Starting over" : "Waiting", { busy: true });
  }

  #stale = null;

  clear() {
    this.#dropStale();
    forget(this.#body);
    this.#body.replaceChildren();
    this.#parts = [];
    this.#blocks.clear();
  }

  /** No more comes: what is open is closed as it stands. */
  end() {
    for (const part of this.#parts) {
      part.end();
      part.tell?.("over");
    }
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

  /** Says what somebody else has looked at the clock for. */
  #since(text, ms) {
    this.say(text, { busy: true });
    this.#quiet = `${text} · ${left(ms)}`;
    this.#write(this.#quiet, true);
  }

  #say(part) {
    if (part instanceof Thinking) this.say(""); // it says so itself
    else if (part?.name) this.say(`Using ${part.name}`, { busy: true });
  }

  /** A person has said whether this call may be made. */
  decided(id) {
    this.#find(id).asks = false;
    this.#running();
  }

  /** What is waited for: a person, or the tools that have given nothing yet. */
  #running() {
    if (this.#parts.some((part) => part.asks)) return this.say("Waiting for your approval");
    const names = this.#parts.filter((part) => part.open).map((part) => part.name);
    this.say(names.length ? `Using ${[...new Set(names)].join(" and ")}` : "", { busy: names.length > 0 });
  }

  /** What came of a call: a block of the Messages API. */
  given({ tool_use_id, content, is_error }) {
    this.#given(tool_use_id, content, is_error);
  }

  #find(id) {
    return this.#parts.find((part) => part.id && part.id === id);
  }

  #given(id, content, isError, ms) {
    this.#find(id)?.tell("result", content, isError, ms);
  }

  #begin(index, block) {
    if (block.tool_use_id && this.#find(block.tool_use_id)) return this.#given(block.tool_use_id, block.content, block.is_error);
    const part = make(block, this);
    if (!part) return null;
    part.turn = this.#turn;
    this.#parts.push(part);
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
    for (const part of this.#parts) {
      if (performance.now() > deadline) return true;
      more = part.draw(deadline) || more;
    }
    return more;
  }
}
