/** The figures of now, each with its last 15 minutes beneath. */

import { h } from "/chat/dom.js";
import { Chart } from "/ops/chart.js";
import { count, many, seconds, usd } from "/ops/words.js";

/**
 * Each tile: `about` are the parts of the board that colour it, where it `matters`; `big` is read first, `of` stands small beside it, `note`
 * beneath; `chart` are the series' names, each with the way it is drawn.
 */
const TILES = [
  {
    name: "Waiting", about: ["queue"],
    big: ({ queue }) => count(queue.waiting),
    note: ({ queue }) => (queue.waiting ? `the oldest for ${seconds(queue.oldest_seconds)}` : "nobody"),
    chart: [["waiting", "area"], ["waiting", "line"]], says: count,
  },
  {
    name: "Running", about: ["workers"], matters: ({ streams }) => streams.adrift > 0,
    big: ({ streams }) => count(streams.running), of: ({ streams }) => `of ${count(streams.capacity)}`,
    note: ({ streams }) => (streams.adrift ? `${count(streams.adrift)} without a worker` : "streams"),
    chart: [["running", "area"], ["running", "line"]], says: count,
  },
  {
    name: "Tokens a second", about: [],
    big: (shown) => count(shown.tokens_per_second),
    note: () => "of output",
    chart: [["tokens_per_second", "area"], ["tokens_per_second", "line"]], says: count,
  },
  {
    name: "First content", about: ["first_content"],
    big: (shown) => seconds(shown.first_content_p50),
    note: (shown) => (shown.first_content_p99 === null ? "after the submit" : `99 % within ${seconds(shown.first_content_p99)}`),
    chart: [["first_content_p50", "line"], ["first_content_p99", "line faint"]], says: seconds,
  },
  {
    name: "Ended", about: ["ended"],
    big: ({ streams }) => count(total(streams.ended)), of: () => "in 15 min",
    note: ({ streams }) => outcomes(streams.ended),
    chart: [["ended", "bars"], ["failed", "bars strong"]], says: count,
  },
  {
    name: "Readers", about: [],
    big: (shown) => count(shown.readers),
    note: (shown) => `${count(shown.joined)} came` + (shown.resets ? `, ${many(shown.resets, "reset")}` : ""),
    chart: [["readers", "area"], ["readers", "line"]], says: count,
  },
  {
    name: "Retries, take-overs", about: ["takeovers"],
    big: (shown) => `${count(shown.retries)}, ${count(shown.takeovers)}`, of: () => "in 15 min",
    note: (shown) => (shown.refused ? `${many(shown.refused, "prompt")} refused` : "no prompt refused"),
    chart: [["retries", "bars"], ["takeovers", "bars strong"]], says: count,
  },
  {
    name: "Spent today", about: ["spend"],
    big: (shown) => usd(shown.spend_today_usd),
    note: (shown) => `${usd(shown.saved_usd_today)} saved by caches`,
  },
];

export class Tiles {
  #tiles;

  constructor(root) {
    this.#tiles = TILES.map((tile) => new Tile(tile));
    root.append(...this.#tiles.map((tile) => tile.element));
  }

  draw(shown) {
    for (const tile of this.#tiles) tile.draw(shown);
  }
}

class Tile {
  #tile;
  #big = document.createTextNode("–");
  #of = h("span", { class: "of" });
  #note = h("p", { class: "note" });
  #chart = null;
  #said = "";
  #read = null;

  constructor(tile) {
    this.#tile = tile;
    this.element = h("section", { class: "tile", "aria-label": tile.name }, h("h2", {}, tile.name), h("p", { class: "big" }, this.#big, this.#of), this.#note);
    if (!tile.chart) return;
    this.#chart = new Chart({
      label: tile.name, says: tile.says, kinds: tile.chart.map(([, kind]) => kind),
      read: (text) => {
        this.#read = text;
        this.#write();
      },
    });
    this.element.append(this.#chart.element);
  }

  draw(shown) {
    const { about, big, of, note, chart, matters = () => true } = this.#tile;
    const need = matters(shown) && shown.attention.find((one) => about.includes(one.about));
    if (need) this.element.dataset.needs = need.level;
    else delete this.element.dataset.needs;
    this.#big.data = big(shown);
    this.#of.textContent = of ? of(shown) : "";
    this.#said = note(shown);
    this.#write();
    this.#chart?.draw(chart.map(([name]) => shown.charts[name]), shown.charts.step_seconds);
  }

  #write() {
    const text = this.#read ?? this.#said;
    if (this.#note.textContent !== text) this.#note.textContent = this.#note.title = text;
  }
}

function total(ended) {
  return Object.values(ended).reduce((sum, one) => sum + one, 0);
}

/** What is not as it should be first; what is, is the rest. */
function outcomes(ended) {
  const told = ["failed", "expired", "refused", "cancelled", "truncated"].filter((name) => ended[name]).map((name) => `${count(ended[name])} ${name}`);
  return told.length ? told.join(", ") : total(ended) ? "all completed" : "nothing";
}
