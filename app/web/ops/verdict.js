/** How it stands, in letters that can be read from two metres: that all is well, or what needs a person. */

import { h } from "/chat/dom.js";
import { many, seconds } from "/ops/words.js";

const $ = (selector) => document.querySelector(selector);
const MARKS = { well: "✓", soon: "!", now: "‼", lost: "✕", asking: "…" };
const LOST = {
  unreachable: ["No response", "Couldn’t reach the front that served this page."],
  empty: ["No data", "The front is up but has nothing to show: it can’t reach Redis, or is shutting down."],
  silent: ["No data", "The connection to the front went silent."],
};
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

export class Verdict {
  #shown = null;
  #told = null;
  #refused = null;
  #enter = () => {};

  constructor() {
    $("#enter").addEventListener("click", () => this.#enter());
  }

  /** Resolves when somebody wants to be asked again. */
  wanted() {
    $("#enter").hidden = false;
    return new Promise((resolve) => {
      this.#enter = () => {
        $("#enter").hidden = true;
        resolve();
      };
    });
  }

  draw(shown) {
    this.#refused = null;
    this.#shown = shown;
    document.documentElement.toggleAttribute("data-old", shown.stale_seconds > 2);
  }

  /** A snapshot came: the one thing on the page that moves when all stands still. */
  beat() {
    if (!CALM.matches) $(".beat").animate([{ transform: "scale(1.9)" }, { transform: "none" }], { duration: 600, easing: "ease-out" });
  }

  refused(status, message) {
    this.#refused = status;
    this.#shown = null;
    $("#numbers").hidden = true;
    const sentence = message.charAt(0).toUpperCase() + message.slice(1) + ".";
    this.#say("asking", status === 403 ? "Not for this key" : "For operators", message ? sentence : "", []);
    $("#age-text").textContent = "not connected";
  }

  connecting() {
    this.#refused = null;
    this.#say("asking", "Connecting", "", []);
  }

  /** Called several times a second: what is old becomes so without anything coming. */
  age(live) {
    if (this.#refused) return;
    const [what, why] = LOST[live.why];
    const again = live.wait > 0 ? `Trying again in ${Math.ceil(live.wait / 1000)} s.` : "Trying again now.";
    if (live.age === null) {
      if (live.wait > 0) this.#say("lost", what, `${why} ${again}`, []);
      return;
    }
    $("#numbers").hidden = false;
    if (live.old) {
      document.documentElement.dataset.old = "";
      const age = seconds(Math.round(live.age / 1000));
      this.#say("lost", what, `${why} What’s below is ${age} old and may be out of date. ${again}`, []);
      $("#age-text").textContent = `${age} old`;
      return;
    }
    const { stale_seconds: stale, attention, front } = this.#shown;
    $("#age-text").textContent = stale > 2 ? `${seconds(Math.round(stale))} old` : "live";
    $("#age").title = `from ${front}`;
    const [first, ...others] = attention;
    if (first) this.#say(first.level, first.what, first.do, others);
    else if (this.#shown.time === null) this.#say("asking", "No data yet", "The front couldn’t look yet.", []);
    else this.#say("well", "All is well", still(this.#shown), []);
  }

  #say(level, headline, sub, needs) {
    document.documentElement.dataset.level = level;
    put($("#headline"), headline);
    put($("#sub"), sub);
    document.title = `${MARKS[level]} ${headline} · Keepstream`;
    const list = $("#needs");
    list.hidden = !needs.length;
    const lines = needs.map((need) => `${need.level} ${need.what} ${need.do}`).join("\n");
    if (list.dataset.lines !== lines) {
      list.dataset.lines = lines;
      list.replaceChildren(...needs.map((need) => h("li", { class: need.level }, h("strong", {}, need.what), h("span", {}, need.do))));
    }
    this.#announce(level, headline, needs);
  }

  /** Who does not see it hears what is new, and not every second how long it has been so. */
  #announce(level, headline, needs) {
    const what = [level, headline, ...needs.map((need) => need.what)].join("|").replace(/[\d.]+/g, "");
    if (what === this.#told) return;
    this.#told = what;
    put($("#announcer"), [headline, ...needs.map((need) => need.what)].join(". "));
  }
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What there is to say where nothing is to be done. */
function still({ streams, queue, workers, readers }) {
  const live = workers.filter((worker) => worker.state === "live").length;
  const waits = queue.waiting ? many(queue.waiting, "prompt waits", "prompts wait") : "nobody waits";
  if (!live && !streams.running) return `No workers, and ${waits}.`;
  if (!streams.running && !queue.waiting) return `Nothing runs. ${many(live, "worker is", "workers are")} ready.`;
  const read = readers ? many(readers, "reader is there", "readers are there") : "nobody reads";
  return `${many(streams.running, "stream runs", "streams run")} on ${many(live, "worker")}, ${read}, ${waits}.`;
}
