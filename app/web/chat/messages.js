/**
 * The messages on the page, and what one can do with each. The rule: one article for each message, in their order; what
 * stands and has not changed is not touched. It calls no server: `actions` does.
 */

import { Answer } from "/chat/answer/answer.js";
import { foot } from "/chat/answer/foot.js";
import { refocus, versions } from "/chat/answer/versions.js";
import { asked } from "/chat/asking/asked.js";
import { arrange, copy, h } from "/chat/dom.js";
import { saidIn, textOf } from "/chat/words.js";

export class Messages {
  /** Messages by their ids, in order: `{ element, role, message, answer }`. */
  #entries = new Map();
  #root;
  #actions;
  /** The actions, and what is ours of what a message's buttons do. */
  #does;
  #editing = null;

  /**
   * @param {HTMLElement} root
   * @param {object} actions `regenerate`, `continue`, `edit(message, text)`, `edited()`, `fork(id)`, `version(id)`,
   *   `trouble(error)`, `now()` in ms of the server's clock
   */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    this.#does = {
      ...actions,
      change: (entry) => this.#edit(entry),
      rephrase: (id) => this.#edit(this.#question(id)),
      version: async (id, step) => (await actions.version(id)) && refocus(this.#tools(id), step),
    };
    root.addEventListener("click", (event) => {
      const button = event.target.closest(".copy-code");
      if (button) copy(button.closest("figure").querySelector("code").textContent, button);
    });
  }

  get isEmpty() {
    return this.count === 0;
  }

  get count() {
    return this.#entries.size;
  }

  has(id) {
    return this.#entries.has(id);
  }

  message(id) {
    return this.#entries.get(id)?.message;
  }

  /** The id of the message before one, or null. */
  before(id) {
    const ids = [...this.#entries.keys()];
    return ids[ids.indexOf(id) - 1] ?? null;
  }

  get last() {
    return [...this.#entries.keys()].at(-1);
  }

  /** The message that follows one, or is the first (null), as far as the server has it. */
  behind(id) {
    if (id !== null && !this.#entries.has(id)) return undefined;
    const ids = [...this.#entries.keys()];
    const next = ids[ids.indexOf(id) + 1];
    return next === "pending" ? undefined : this.message(next);
  }

  lastOf(role) {
    return [...this.#entries.values()].findLast((entry) => entry.role === role)?.message;
  }

  clear() {
    this.removeAfter(null);
    this.#editing = null;
  }

  /** Takes away everything behind a message; null: everything. */
  removeAfter(id) {
    if (id !== null && !this.#entries.has(id)) return;
    let behind = id === null;
    for (const [key, entry] of [...this.#entries]) {
      if (behind) this.#remove(key, entry);
      behind ||= key === id;
    }
    this.#mark();
  }

  /** Makes the page show exactly these messages, and what runs behind them. */
  show(messages, runningId = null) {
    const wanted = new Set(messages.map((message) => message.id));
    if (runningId !== null) wanted.add(runningId);
    for (const [id, entry] of [...this.#entries]) if (!wanted.has(id)) this.#remove(id, entry);
    messages.forEach((message) => this.add(message));
    this.#entries = new Map([...wanted].filter((id) => this.#entries.has(id)).map((id) => [id, this.#entries.get(id)]));
    arrange(this.#root, [...this.#entries.values()].map(({ element }) => element));
    this.#mark();
  }

  /** Adds a message, or finishes the answer that has its id. */
  add(message) {
    const known = this.#entries.get(message.id);
    if (message.role === "user") {
      if (!known) this.#addUser(message);
      // What tools of somebody's own gave is no message, but stands with their calls.
      const given = Array.isArray(message.content) ? message.content.filter((block) => block.type === "tool_result") : [];
      for (const { answer } of this.#entries.values()) given.forEach((block) => answer?.given(block));
      if (given.length) this.#entries.get(message.id).element.hidden ||= given.length === message.content.length;
    } else {
      this.#finish(known ?? this.#open(message.id), message);
    }
    versions(this.#tools(message.id), message, this.#does);
    this.#mark();
  }

  /** What somebody is just sending: it has no id yet. Returns `{ settle(id), withdraw(), again() }`. */
  pending(content) {
    const message = { id: "pending", role: "user", content, created_at: new Date(this.#actions.now()).toISOString() };
    const entry = this.#addUser(message);
    entry.element.classList.add("pending");
    return {
      settle: (id) => {
        this.#entries.delete("pending");
        entry.element.classList.remove("pending");
        if (this.#entries.has(id)) return entry.element.remove();
        message.id = entry.element.dataset.id = id;
        this.#entries.set(id, entry);
      },
      withdraw: () => {
        if (this.#entries.get("pending") === entry) this.#remove("pending", entry);
      },
      again: () => this.#put("pending", entry),
    };
  }

  /** As `pending`, but shown only when it is accepted: what stands there now may stay. */
  later(content) {
    return { settle: (id) => this.pending(content).settle(id), withdraw: () => {}, again: () => {} };
  }

  /** The answer that is being written under this id; begun if it is not there. @returns {Answer} */
  writing(id) {
    const entry = this.#entries.get(id) ?? this.#open(id);
    this.#mark();
    return entry.answer;
  }

  /** An answer ended as its stream says: before its message is known. */
  ended(id, end) {
    const entry = this.#entries.get(id);
    if (!entry || entry.message?.outcome) return;
    const { outcome, stop_reason, usage, error, cost_usd } = end;
    const content = textOf(entry.message?.content) || entry.answer.text;
    entry.message = { id, role: "assistant", outcome, stop_reason, usage, error, cost_usd, content, model: entry.answer.model };
    entry.answer.end();
    this.#finished(entry);
    this.#mark();
  }

  #addUser(message) {
    const entry = { role: "user", message };
    entry.element = asked(entry, this.#does);
    this.#put(message.id, entry);
    return entry;
  }

  #open(id) {
    const answer = new Answer();
    const element = h("article", { class: "message assistant running", "data-id": id, "aria-label": "Claude" }, answer.element);
    const entry = { element, role: "assistant", message: null, answer };
    this.#put(id, entry);
    return entry;
  }

  #finish(entry, message) {
    if (entry.message?.created_at) return;
    const said = saidIn(message);
    entry.message = message;
    // What was read live is what was committed; anything else (a page that came late) is drawn from the message.
    if (message.content !== null && (entry.answer.isEmpty || !`\n\n${entry.answer.text}`.endsWith(`\n\n${said}`))) {
      entry.answer.fill(message);
    }
    entry.answer.end();
    this.#finished(entry);
  }

  #finished(entry) {
    entry.element.classList.remove("running");
    foot(entry, this.#does);
  }

  /** A message's element, for who is led to it. */
  focus(id) {
    const { element } = this.#entries.get(id);
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    return element;
  }

  #tools(id) {
    return this.#entries.get(id)?.element.querySelector(":scope > .tools");
  }

  #question(id) {
    return [...this.#entries.values()].findLast((entry) => entry.role === "user" && !entry.message.continues) ?? this.#entries.get(id);
  }

  #put(id, entry) {
    this.#entries.set(id, entry);
    this.#root.append(entry.element);
  }

  #remove(id, entry) {
    entry.answer?.close();
    entry.element.remove();
    this.#entries.delete(id);
  }

  #mark() {
    const entries = [...this.#entries.values()];
    for (const entry of entries) entry.element.classList.toggle("last", entry === entries.at(-1));
  }

  async #edit(entry) {
    if (!entry) return;
    try {
      const { edit } = await import("/chat/asking/editing.js");
      this.#editing?.();
      this.#editing = edit(entry, this.#actions.edit, () => {
        this.#editing = null;
        this.#actions.edited();
      });
    } catch (error) {
      this.#actions.trouble(error);
    }
  }
}
