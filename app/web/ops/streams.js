/** The streams, one a line, to be found and opened; by keyboard with the arrows, as one stop on the way. */

import { h } from "/chat/dom.js";
import { many, seconds } from "/ops/words.js";

const $ = (selector) => document.querySelector(selector);
const ID = /^st_[0-9a-f]{32}$/;
const BAD = ["failed", "expired"];
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export class Streams {
  #open;
  #rows = new Map();
  #data = [];
  #list = $("#rows");
  #find = $("#find");
  #shown = null;

  constructor(open) {
    this.#open = open;
    this.#find.addEventListener("input", () => this.#sort());
    this.#find.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#find.value) {
        this.#find.value = "";
        this.#sort();
        event.preventDefault();
      }
      if (event.key !== "Enter") return;
      event.preventDefault();  // or the line that is gone to would be opened by the same key
      const asked = this.#find.value.trim();
      if (ID.test(asked)) open(asked);
      else this.#list.querySelector("button")?.focus();
    });
    this.#list.addEventListener("keydown", (event) => this.#step(event));
    this.#list.addEventListener("focusin", (event) => this.#stop(event.target));
  }

  draw(shown) {
    this.#shown = shown;
  }

  /** What the list knows of a stream. */
  row(id) {
    return this.#data.find((row) => row.id === id) ?? null;
  }

  know(data) {
    this.#data = data;
    const ids = new Set(data.map((row) => row.id));
    for (const [id, line] of this.#rows) {
      if (ids.has(id)) continue;
      this.#rows.delete(id);
      line.element.remove();
    }
    for (const row of data) {
      if (!this.#rows.has(row.id)) this.#rows.set(row.id, new Line(row.id, () => this.#open(row.id)));
      this.#rows.get(row.id).draw(row);
    }
    this.#sort();
  }

  /** The list could not be had: it says so rather than to stand as if it were of now. */
  unknown() {
    $("#streams-note").textContent = "not known now: the list is older than the figures";
  }

  #sort() {
    const asked = this.#find.value.trim().toLowerCase();
    const fits = (row) => [row.id, row.owner, row.model, row.worker, row.state, row.outcome].some((text) => text?.toLowerCase().includes(asked));
    const shown = this.#data.filter(fits).map((row) => this.#rows.get(row.id).element);
    const focused = document.activeElement?.closest?.("#rows li");
    for (const element of this.#list.querySelectorAll("li")) if (!shown.includes(element)) element.remove();
    shown.forEach((element, index) => {
      if (this.#list.children[index] === element) return;
      this.#list.insertBefore(element, this.#list.children[index] ?? null);
      if (element === focused) element.firstChild.focus({ preventScroll: true });
    });
    if (!shown.length) this.#list.append(h("li", { class: "none" }, asked ? "No matching streams. A full id opens any stream." : "No streams."));
    if (!this.#list.querySelector("button[tabindex='0']")) this.#stop(this.#list.querySelector("button"));
    const all = this.#shown ? this.#shown.streams.running + this.#shown.streams.adrift + this.#shown.queue.waiting : 0;
    const open = this.#data.filter((row) => row.state !== "ended").length;
    $("#streams-note").textContent = asked ? `${shown.length} of ${this.#data.length}` : open < all ? `${open} of ${many(all, "stream")}` : "";
  }

  #step(event) {
    const step = STEPS[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const buttons = [...this.#list.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    if (at < 0) return;
    event.preventDefault();
    buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)].focus();
  }

  /** The one line that Tab comes to. */
  #stop(button) {
    if (!button?.classList.contains("stream")) return;
    for (const other of this.#list.querySelectorAll("button[tabindex='0']")) other.tabIndex = -1;
    button.tabIndex = 0;
  }
}

class Line {
  #parts = Object.fromEntries(["state", "owner", "model", "worker", "id", "age"].map((name) => [name, h("span", { class: name })]));

  constructor(id, onclick) {
    const { state, owner, ...others } = this.#parts;
    for (const other of Object.values(others)) other.classList.add("quietly");
    others.id.textContent = `${id.slice(0, 11)}…`;
    this.element = h("li", {}, h("button", { type: "button", class: "stream", tabindex: -1, onclick, "data-id": id, title: id }, ...Object.values(this.#parts)));
  }

  draw(row) {
    const { state, owner, model, worker, age } = this.#parts;
    state.textContent = row.outcome ?? row.state;
    state.classList.toggle("bad", BAD.includes(row.outcome));
    state.classList.toggle("quietly", row.state !== "running" && !BAD.includes(row.outcome));
    owner.textContent = row.owner;
    model.textContent = row.model ?? "";
    worker.textContent = row.worker ?? "";
    age.textContent = row.state === "ended" ? `${seconds(Math.round(row.ended_seconds))} ago` : seconds(Math.round(row.age_seconds));
  }
}
