/** One stream that was opened: what happened to it, never what it says; and the way to cancel it. */

import { h } from "/chat/dom.js";
import { seconds } from "/ops/words.js";

const $ = (selector) => document.querySelector(selector);
const LOOK_MS = 1000;

export class Opened {
  #dialog = $("#opened");
  #id = null;
  #row = null;
  #story = null;
  #timer = 0;
  #ended = false;

  constructor() {
    $("#shut").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      if (this.#dialog.open) return;  // it is told late, and another one was opened by then
      clearTimeout(this.#timer);
      this.#id = null;
    });
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    $("#cancel").addEventListener("click", () => ($("#keep").hidden ? this.#ask(true) : this.#cancel()));
    $("#keep").addEventListener("click", () => this.#ask(false));
  }

  /** @param {string} id @param {object | null} row what the list of streams knows of it */
  show(id, row) {
    this.#id = id;
    this.#row = row;
    this.#story = null;
    this.#ended = false;
    this.#ask(false, { focus: false });
    $("#timeline").replaceChildren();
    $("#opened-id").textContent = id;
    this.#say("");
    this.#draw();
    if (!this.#dialog.open) this.#dialog.showModal();
    $("#timeline").focus();
    this.#look();
  }

  /** A newer list of streams came. */
  know(streams) {
    if (this.#id === null) return;
    this.#row = streams.row(this.#id) ?? this.#row;
    this.#draw();
  }

  /** Looks after a while, and not twice. */
  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  async #look() {
    const id = this.#id;
    clearTimeout(this.#timer);
    try {
      const answer = await fetch(`/ops/streams/${id}/timeline`, { signal: AbortSignal.timeout(5000) });
      const body = await answer.json().catch(() => ({}));
      if (id !== this.#id) return;
      if (answer.ok) {
        this.#story = body;
        this.#tell(body);
        this.#say("");
      } else {
        this.#ended = answer.status === 404 || answer.status === 410;
        this.#say(body.error?.message ?? `Something went wrong on the server (${answer.status}).`);
      }
    } catch {
      if (id !== this.#id) return;
      this.#say("Couldn’t reach the server. This may be out of date.");
    }
    this.#draw();
    if (!this.#ended) this.#later(LOOK_MS);
  }

  #tell({ data, state }) {
    this.#ended = state === "ended";
    const list = $("#timeline");
    const began = data.length ? Date.parse(data[0].at) : 0;
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
    const lines = data.map(({ at, text }) => h("li", {}, h("time", { datetime: at, title: at }, `+${seconds((Date.parse(at) - began) / 1000)}`), h("span", {}, text)));
    const fresh = h("ol", {}, lines);
    if (fresh.innerHTML === list.innerHTML) return;
    list.replaceChildren(...fresh.childNodes);
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  #draw() {
    const row = this.#row ?? {};
    const state = this.#ended && row.state !== "ended" ? (this.#story?.state ?? "not there") : (row.outcome ?? row.state ?? this.#story?.state ?? "…");
    const facts = [["State", state], ["Owner", row.owner], ["Model", row.model], ["Worker", row.worker], ["Attempt", row.attempt], ["Age", row.age_seconds === undefined ? null : seconds(Math.round(row.age_seconds))]];
    $("#opened-facts").replaceChildren(...facts.filter(([, value]) => value || value === 0).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
    $("#opened-title").textContent = this.#story?.why ? sentence(this.#story.why) : "Stream";
    $("#cancelling").hidden = this.#ended || row.state === "ended";
  }

  #ask(asked, { focus = true } = {}) {
    $("#keep").hidden = $("#sure").hidden = !asked;
    $("#cancel").textContent = asked ? "Cancel it" : "Cancel the stream";
    // Who asks by Enter must not have answered by the same key: the safe one is at hand.
    if (focus) $(asked ? "#keep" : "#cancel").focus();
  }

  async #cancel() {
    const id = this.#id;
    this.#ask(false, { focus: false });
    $("#timeline").focus();
    try {
      const answer = await fetch(`/ops/streams/${id}/cancel`, { method: "POST", signal: AbortSignal.timeout(10_000) });
      const { error } = await answer.json().catch(() => ({}));
      if (id !== this.#id) return;
      this.#say(answer.ok ? "It is being cancelled." : (error?.message ?? `Something went wrong on the server (${answer.status}).`));
      if (answer.ok) this.#later(LOOK_MS / 2);
    } catch {
      if (id === this.#id) this.#say("Couldn’t reach the server. It may or may not have been cancelled.");
    }
  }

  #say(text) {
    const note = $("#opened-note");
    if (note.textContent !== text) note.textContent = text;
    note.hidden = !text;
  }
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
