/** What stands beside the workers: the fronts, Redis, and what has happened lately. */

import { h } from "/chat/dom.js";
import { heard, short, states } from "/ops/lanes.js";
import { bytes, count, many, seconds, share } from "/ops/words.js";

const $ = (selector) => document.querySelector(selector);
const HAPPENED = {
  worker_gone: ({ name, count: free }) => `${name} died` + (free ? `; ${many(free, "stream")} free to take` : ""),
  taken_over: ({ name, count: taken }) => `${name} took over ${many(taken, "stream")}`,
  draining: ({ name, count: left }) => `${name} drains` + (left ? `, ${count(left)} to go` : ""),
  joined: ({ name }) => `${name} came`,
  left: ({ name }) => `${name} left`,
  refused_writes: ({ name, count: times }) => `Redis refused ${many(times, "write")} of ${name}`,
};

export class Beside {
  draw(shown) {
    this.#fronts(shown);
    this.#redis(shown);
    this.#lately(shown);
  }

  #fronts({ fronts, attention }) {
    $("#fronts-note").textContent = states(fronts).join(", ");
    const late = attention.find((need) => need.about === "fronts")?.level;
    const rows = fronts.map((front) => {
      const said = front.state === "live" && front.lag_ms !== null ? `${seconds(front.lag_ms / 1000)} late` : heard(front);
      const title = `last heard ${seconds(front.renewed_seconds)} ago; version ${front.version}, up ${seconds(front.started_seconds)}`;
      return h("li", { class: "front", "data-state": front.state, "data-late": front.lag_ms >= 250 && late },
        h("p", { class: "name", title: front.name }, ...short(front.name)),
        h("p", { class: "load" }, h("b", {}, count(front.readers)), front.readers === 1 ? " reader" : " readers"),
        h("p", { class: "load" }, h("b", {}, count(front.tails)), front.tails === 1 ? " tail" : " tails"),
        h("p", { class: "heard", title }, said));
    });
    put($("#front-rows"), rows);
  }

  #redis({ redis, attention }) {
    const need = attention.find((one) => one.about === "redis");
    const section = $("#redis");
    if (need) section.dataset.needs = need.level;
    else delete section.dataset.needs;
    $("#redis-note").textContent = redis.away ? `away for ${seconds(redis.away_seconds)}` : (redis.version ?? "");
    const part = redis.max_bytes ? Math.min(redis.used_bytes / redis.max_bytes, 1) : 0;
    const meter = h("div", { class: "meter" }, h("i"));
    meter.firstChild.style.transform = `scaleX(${part})`;
    const memory = redis.max_bytes ? `${bytes(redis.used_bytes)} of ${bytes(redis.max_bytes)}, ${share(redis.used_bytes, redis.max_bytes)}` : bytes(redis.used_bytes);
    put($("#redis-facts"), [
      h("dt", {}, "Memory"), h("dd", { class: "full" }, memory, redis.max_bytes ? meter : ""),
      h("dt", {}, "A stream takes"), h("dd", {}, bytes(redis.bytes_per_stream)),
      h("dt", {}, "Refused writes"), h("dd", {}, count(redis.refused_writes)),
    ]);
  }

  #lately({ events, time }) {
    const rows = events.slice(0, 8).map((event) =>
      h("li", {}, h("time", {}, `${seconds(Math.max(1, Math.round(time - event.at)))} ago`), h("span", {}, HAPPENED[event.kind]?.(event) ?? `${event.kind}: ${event.name}`)));
    put($("#events"), rows.length ? rows : [h("li", { class: "none" }, "Nothing to report.")]);
  }
}

/** In place of what was there, unless it is the same. */
function put(root, children) {
  const fresh = root.cloneNode(false);
  fresh.append(...children);
  if (!root.isEqualNode(fresh)) root.replaceChildren(...fresh.childNodes);
}
