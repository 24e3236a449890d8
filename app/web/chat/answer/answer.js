/**
 * One answer: what a stream's events, or a finished message's blocks, look like.
 *
 * The rule: it shows what came and says what is going on, whatever comes; an event that it does not know changes nothing.
 * It knows no network: events are handed to it.
 */

import { make, Text, Thinking } from "/chat/answer/blocks.js";
import { h } from "/chat/dom.js";
import { forget } from "/chat/markdown/shape.js";
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
        if (data.state === "held") this.wait("Claude asked us to slow down. Continuing", data.retry_in_ms);
        if (data.state === "thinking") this.#silent(data.silent_ms);
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
    this.say(begun ? "The answer was interrupted. Starting over" : "Waiting", { busy: true });
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

  /** The upstream lives and says nothing: a long thought, a search, a large input for a tool. */
  #silent(ms) {
    this.say("Still thinking", { busy: true });
    this.#quiet = `Still thinking · ${left(ms)}`;
    this.#write(this.#quiet, true);
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
