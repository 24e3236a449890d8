/**
 * A card for each call of a tool: its name, its input as it grows, what came of it, and whether it may be made. Loaded with
 * the first of them.
 *
 * The rule: folded away it says in a line what there is to know, and a failure says itself; what one has opened or closed
 * stays so. Nothing that a tool gave ever becomes markup.
 */

import { h, icon } from "/chat/dom.js";
import { keyOf } from "/chat/keys.js";
import { soon } from "/chat/pace.js";
import { left, seconds, trouble } from "/chat/words.js";

/** Of an input and of a result so many characters stand in the line. */
const BRIEF = 120;
/** What takes longer is shown with its time: while it runs, and when it is done. */
const LONG_MS = 2000;
const NOTICED_MS = 50;
/** What the mark in front says to who does not see it. */
const STATES = { running: "Running", asks: "Asks you", done: "Done", failed: "Failed", stopped: "Stopped" };
const DECIDED = "This was decided elsewhere, or the answer was stopped.";

await new Promise((resolve) => {
  document.head.append(h("link", { rel: "stylesheet", href: "/cards.css", onload: resolve, onerror: resolve }));
});

export class Card {
  #element;
  #answer;
  #id;
  #name;
  #json = "";
  #growing = false;
  #input = h("pre");
  #output = h("pre");
  #brief = h("span", { class: "brief" });
  #took = h("span", { class: "took" });
  #details;
  #under = h("div");
  #said = "";
  #since = performance.now();
  #ticking = null;
  #touched = false;

  constructor(block, element, answer) {
    this.#element = element;
    this.#answer = answer;
    this.#id = block.id;
    this.#name = block.name ?? block.type.replace(/_tool_result$/, "").replaceAll("_", " ");
    const summary = h("summary", { onclick: () => (this.#touched = true) },
      h("span", { class: "mark", role: "img" }), h("b", {}, this.#name), this.#brief, this.#took);
    this.#details = h("details", {}, summary,
      h("div", { class: "io", hidden: !block.name }, h("p", {}, "Input"), this.#input),
      h("div", { class: "io", hidden: true }, h("p", {}, "Result"), this.#output));
    element.append(this.#details, this.#under);
    this.#state(block.name ? "running" : "done");
    if (block.name) this.#tick();
  }

  whole(block) {
    if (block?.content !== undefined && !this.#id) return this.result(block.content, false);
    if (block?.input && Object.keys(block.input).length) this.#take(block.input);
  }

  delta(delta) {
    if (delta.type !== "input_json_delta") return;
    this.#json += delta.partial_json ?? "";
    this.#growing = true;
    soon(() => this.#grow());
  }

  /** The input is whole. */
  end() {
    if (!this.#growing) return;
    this.#growing = false;
    try {
      this.#take(JSON.parse(this.#json));
    } catch {
      this.#grow(); // it was cut off: it stays as it came
    }
    this.#json = "";
  }

  /** A person is to say whether it may be made. */
  ask() {
    if (this.#element.dataset.state !== "running") return;
    this.#state("asks");
    this.#fold(true);
    const reason = h("input", { type: "text", "aria-label": "Reason", placeholder: "Tell Claude why (optional)", maxlength: "1000", hidden: true });
    const wrong = h("p", { role: "alert", hidden: true });
    const decide = (approve) => async () => {
      if (!approve && reason.hidden) return refusing(true);
      yes.disabled = no.disabled = true;
      try {
        await this.#answer.onVerdict(this.#id, approve ? { approve } : { approve, reason: reason.value.trim() || undefined });
        this.#decided(approve ? "Approved" : "Refused");
      } catch (error) {
        if (error.status === 409 || error.status === 404) return this.#decided(DECIDED);
        wrong.textContent = trouble(error);
        wrong.hidden = yes.disabled = no.disabled = false;
      }
    };
    const yes = h("button", { type: "button", class: "primary", onclick: decide(true) }, "Approve");
    const no = h("button", { type: "button", onclick: decide(false) }, "Refuse");
    const back = h("button", { type: "button", hidden: true, onclick: () => refusing(false) }, "Back");
    const refusing = (on) => {
      reason.hidden = back.hidden = !on;
      yes.hidden = on;
      (on ? reason : no).focus();
    };
    reason.addEventListener("keydown", (event) => {
      const key = keyOf(event);
      if (key === "Enter") decide(false)();
      if (key === "Escape") refusing(false);
    });
    this.#under.replaceChildren(h("div", { class: "asks", role: "group", "aria-label": `Whether ${this.#name} may run` },
      h("p", {}, "Claude wants to run this. May it?"), wrong, reason, h("div", { class: "row" }, yes, no, back)));
  }

  /** What came of it, after `ms`. */
  result(content, isError, ms) {
    const output = shown(content);
    this.#output.replaceChildren(...output);
    this.#output.parentElement.hidden = false;
    const text = this.#output.textContent.trim();
    this.#below(isError && h("p", { class: "wrong" }, text || "It failed without a word."));
    this.#output.parentElement.hidden = isError || !output.length;
    if (!isError) this.#tell(text && `→ ${inLine(text)}`);
    this.#over(isError ? "failed" : "done");
    this.#took.textContent = ms >= NOTICED_MS ? seconds(ms) : "";
  }

  /** Nothing comes any more. */
  over() {
    if (this.#element.dataset.state === "asks") this.#below(h("p", { class: "note" }, "It was not run: the answer ended before."));
    if (["running", "asks"].includes(this.#element.dataset.state)) this.#over("stopped");
  }

  #decided(text) {
    this.#answer.decided(this.#id);
    if (this.#element.dataset.state !== "asks") return; // what came of it was here before the answer to this
    this.#below(h("p", { class: "note", role: "status" }, text));
    this.#state("running");
    this.#since = performance.now();
  }

  /** Who had the focus in what was there goes on at the card. */
  #below(shown) {
    const hadFocus = this.#under.contains(document.activeElement);
    this.#under.replaceChildren(...(shown ? [shown] : []));
    if (hadFocus) this.#details.querySelector("summary").focus();
  }

  #take(input) {
    this.#input.textContent = pretty(input);
    const entries = input && typeof input === "object" && !Array.isArray(input) ? Object.entries(input) : [["", input]];
    this.#said = entries.map(([name, value]) => (name && `${name}: `) + (typeof value === "string" ? value : JSON.stringify(value))).join(", ");
    this.#tell();
  }

  /** As much of the input as there is; in the line its end, where something happens. */
  #grow() {
    if (!this.#json) return;
    this.#input.textContent = this.#json;
    this.#said = this.#json.length > BRIEF / 2 ? `…${this.#json.slice(-BRIEF / 2)}` : this.#json;
    this.#tell();
  }

  #tell(result = "") {
    this.#brief.textContent = [inLine(this.#said), result].filter(Boolean).join(" ");
  }

  #tick() {
    this.#ticking = setInterval(() => {
      const ms = performance.now() - this.#since;
      if (!this.#element.isConnected) clearInterval(this.#ticking);
      else if (ms > LONG_MS && this.#element.dataset.state === "running") this.#took.textContent = left(ms);
    }, 1000);
  }

  #over(state) {
    clearInterval(this.#ticking);
    this.#took.textContent = "";
    this.#state(state);
    this.#fold(false);
  }

  #fold(open) {
    if (!this.#touched) this.#details.open = open;
  }

  #state(state) {
    this.#element.dataset.state = state;
    const mark = this.#details.querySelector(".mark");
    mark.setAttribute("aria-label", STATES[state]);
    mark.replaceChildren(...(state === "done" ? [icon("check")] : state === "failed" || state === "stopped" ? [icon("close")] : []));
    this.#element.classList.toggle("failed", state === "failed");
  }
}

/** A result as elements: texts and pictures as such, all else as JSON. */
function shown(content) {
  const blocks = Array.isArray(content) ? content : [{ type: "text", text: typeof content === "string" ? content : pretty(content) }];
  return blocks.map((block) => {
    if (block?.type === "text") return h("span", {}, block.text);
    const { type, media_type: kind = "", data } = block?.source ?? {};
    if (type === "base64" && /^image\/(png|jpeg|gif|webp)$/.test(kind)) return h("img", { src: `data:${kind};base64,${data}`, alt: "A picture that the tool gave" });
    return h("span", {}, pretty(block));
  });
}

function inLine(text) {
  const line = text.slice(0, 2 * BRIEF).replace(/\s+/g, " ").trim();
  return line.length > BRIEF ? `${line.slice(0, BRIEF)}…` : line;
}

function pretty(value) {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}
