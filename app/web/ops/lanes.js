/**
 * The workers: a lane for each, a square for each stream it may run, and the streams in their squares. The rule: how many
 * there are is the snapshot's word; which ones they are is known a moment later, and a stream keeps its square.
 */

import { h } from "/chat/dom.js";
import { fly, vanish, wave } from "/ops/flights.js";
import { many, seconds } from "/ops/words.js";

/** More squares than these say no more; each then stands for several streams. */
const SQUARES = 160;
const [SMALL, SMALLEST] = [24, 64];
const STATES = { draining: "drains", unsure: "not heard yet", silent: "says nothing", gone: "gone" };
const WORDS = { draining: "draining", unsure: "not heard yet", silent: "silent" };

/** How many processes are how, in words. */
export function states(processes) {
  const found = new Map();
  for (const { state } of processes) found.set(state, (found.get(state) ?? 0) + 1);
  return [...found].map(([state, number]) => `${number} ${WORDS[state] ?? state}`);
}

/** When a process was last heard, and how it is if it does not just live. */
export function heard({ state, renewed_seconds: ago }) {
  const since = ago < 2 ? "just now" : `${seconds(Math.floor(ago))} ago`;
  return state === "live" ? since : state === "silent" || state === "gone" ? `${STATES[state]}, ${since}` : STATES[state];
}

export class Lanes {
  #root;
  #open;
  #lanes = new Map();
  /** Of each stream that runs, whose it is. */
  #homes = new Map();

  constructor(root, open) {
    this.#root = root;
    this.#open = open;
  }

  draw(shown) {
    const { workers, streams } = shown;
    const names = new Set(workers.map((worker) => worker.name));
    for (const [name, lane] of this.#lanes) {
      if (names.has(name)) continue;
      this.#lanes.delete(name);
      vanish(lane.element);
    }
    for (const [index, worker] of workers.entries()) {
      let lane = this.#lanes.get(worker.name);
      if (!lane) this.#lanes.set(worker.name, (lane = new Lane(worker.name, this.#open)));
      lane.draw(worker, shown.stale_seconds <= 2);
      const there = [...this.#root.children].filter((one) => !one.inert);
      if (there[index] !== lane.element) this.#root.insertBefore(lane.element, there[index] ?? null);
    }
    let none = this.#root.querySelector(".none");
    if (workers.length) none?.remove();
    else if (!none) this.#root.append((none = h("li", { class: "none" }, "No workers.")));
    const free = workers.length ? [many(Math.max(streams.capacity - streams.running, 0), "place") + " free"] : [];
    document.querySelector("#workers-note").textContent = [...states(workers), ...free].join(", ");
  }

  /** @param {object[]} rows the streams, with the worker of each that runs */
  know(rows) {
    const moves = [];
    const open = new Map(rows.filter((row) => row.state !== "ended").map((row) => [row.id, row.state === "running" ? row.worker : null]));
    for (const [id, home] of this.#homes) {
      const now = open.get(id);
      // A stream that has nobody yet, be it back in the line, stays where it was lost.
      if (now === home || (now === null && this.#lanes.get(home)?.isGone)) continue;
      const left = this.#lanes.get(home)?.leave(id);
      if (left && now && this.#lanes.has(now)) moves.push({ id, from: left, to: now });
      this.#homes.delete(id);
    }
    for (const [id, worker] of open) {
      const lane = this.#lanes.get(worker);
      if (lane?.take(id)) this.#homes.set(id, worker);
    }
    for (const lane of this.#lanes.values()) lane.fill();
    fly(moves.flatMap(({ id, from, to }) => {
      const square = this.#lanes.get(to).square(id);
      return square ? [{ from, to: square }] : [];
    }));
  }
}

class Lane {
  #name;
  #load = h("p", { class: "load" });
  #heard = h("p", { class: "heard" });
  #wave = h("b", { class: "wave" });
  #slots = h("div", { class: "slots", "aria-hidden": true }, this.#wave);
  #squares = [];
  #each = 1;
  #worker = null;

  constructor(name, open) {
    this.#name = h("p", { class: "name", title: name }, ...short(name));
    this.#slots.addEventListener("click", (event) => event.target.dataset.id && open(event.target.dataset.id));
    this.element = h("li", { class: "lane" }, this.#name, this.#slots, this.#load, this.#heard);
  }

  /** `fresh` is whether this is of now: what is old does not move. */
  draw(worker, fresh) {
    this.#worker = worker;
    this.element.dataset.state = worker.state;
    this.#load.textContent = `${worker.streams} of ${worker.capacity}`;
    this.#heard.textContent = heard(worker);
    this.#heard.title = `last heard ${seconds(worker.renewed_seconds)} ago; version ${worker.version}, up ${seconds(worker.started_seconds)}`;
    this.#grow(worker.capacity);
    this.fill();
    if (fresh && worker.streams && worker.state !== "gone" && worker.state !== "silent") wave(this.#wave);
  }

  get isGone() {
    return this.#worker.state === "gone";
  }

  /** Gives a stream the first square that no other one has; false where there is none. */
  take(id) {
    if (this.square(id)) return true;
    if (this.#each > 1) return false;
    // One that was known to be there, and not which, is this one.
    const nameless = this.#squares.filter((square) => !square.dataset.id);
    const free = nameless.find((square) => square.classList.contains("on")) ?? nameless[0];
    if (!free) return false;
    free.dataset.id = id;
    return true;
  }

  /** A stream is here no more: where it was, for it to be seen leaving. */
  leave(id) {
    const square = this.square(id);
    if (!square) return null;
    delete square.dataset.id;
    square.classList.remove("on", "lost");
    return square.getBoundingClientRect();
  }

  square(id) {
    return this.#squares.find((square) => square.dataset.id === id);
  }

  /**
   * As many squares as the worker has streams, whatever the list, which came a moment sooner or later, says; of a worker
   * that is gone, those that nobody has taken yet.
   */
  fill() {
    const { state, streams } = this.#worker;
    const lost = state === "gone" || state === "silent";
    const named = this.#squares.filter((square) => square.dataset.id);
    const nameless = this.isGone ? [] : this.#squares.filter((square) => !square.dataset.id);
    const many = this.isGone ? named.length : Math.ceil(streams / this.#each);
    const full = new Set([...named, ...nameless].slice(0, many));
    for (const square of this.#squares) {
      square.classList.toggle("on", full.has(square) && !lost);
      square.classList.toggle("lost", full.has(square) && lost);
    }
  }

  #grow(capacity) {
    this.#each = Math.max(1, Math.ceil(capacity / SQUARES));
    const wanted = Math.ceil(capacity / this.#each);
    this.#slots.classList.toggle("some", wanted > SMALL && wanted <= SMALLEST);
    this.#slots.classList.toggle("many", wanted > SMALLEST);
    while (this.#squares.length < wanted) {
      const square = document.createElement("i");
      this.#squares.push(square);
      this.#slots.insertBefore(square, this.#wave);
    }
    while (this.#squares.length > wanted) this.#squares.pop().remove();
  }
}

/** A process' name: where it runs first, and quietly what tells it from others there. */
export function short(name) {
  const [, place, rest] = /^([^:]*)(:.*)?$/.exec(name);
  return [place, rest ? h("span", {}, rest) : ""];
}
