/**
 * A small chart of the last 15 minutes. The rule: one measure to a chart, from zero, so that heights can be compared; a
 * gap is where nobody knows, and is never drawn over. Its name tells in words what it shows.
 */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 180;
const HEIGHT = 40;
/** Room for half of a line's width above its highest point. */
const TOP = 2;

function s(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export class Chart {
  #label;
  #says;
  #paths;
  #mark = s("path", { class: "mark", d: "" });
  #series = [];
  #bucket = 10;
  #at = null;
  #read;

  /**
   * @param {object} of
   * @param {string} of.label what is measured
   * @param {(value: number) => string} of.says a value in words
   * @param {string[]} of.kinds of each series: "area", "line" or "bars", and what else styles it
   * @param {(text: string | null) => void} of.read is told what lies beneath the pointer
   */
  constructor({ label, says, kinds, read }) {
    this.#label = label;
    this.#says = says;
    this.#read = read;
    this.#paths = kinds.map((kind) => s("path", { class: kind, d: "" }));
    this.element = s("svg", { class: "chart", role: "img", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" }, ...this.#paths, this.#mark);
    this.element.addEventListener("pointermove", (event) => {
      const { left, width } = this.element.getBoundingClientRect();
      this.#at = Math.min(Math.max((event.clientX - left) / width, 0), 1);
      this.#point();
    });
    this.element.addEventListener("pointerleave", () => {
      this.#at = null;
      this.#point();
    });
  }

  /** @param {(number | null)[][]} series of each kind, the oldest first; @param {number} bucket seconds to a value */
  draw(series, bucket) {
    this.#series = series;
    this.#bucket = bucket;
    const top = Math.max(...series.flat().map(Number), 0) || 1;
    series.forEach((values, index) => {
      const path = this.#paths[index];
      const [kind] = path.getAttribute("class").split(" ");
      path.setAttribute("d", kind === "bars" ? bars(values, top) : line(values, top, kind === "area"));
    });
    this.element.setAttribute("aria-label", this.#name());
    this.#point();
  }

  #name() {
    const [values] = this.#series;
    const known = values.filter((value) => value !== null);
    const over = `${this.#label} over the last ${Math.round((values.length * this.#bucket) / 60)} minutes`;
    if (!known.length) return `${over}: nothing is known`;
    const most = Math.max(...known);
    const ago = this.#ago(values.lastIndexOf(most));
    return `${over}: now ${this.#says(known.at(-1))}, at most ${this.#says(most)}` + (ago === "now" ? "" : `, ${ago}`);
  }

  #ago(index) {
    const minutes = ((this.#series[0].length - 1 - index) * this.#bucket) / 60;
    if (minutes < 1 / 6) return "now";
    return minutes < 1 ? `${Math.round(minutes * 60)} s ago` : `${Math.round(minutes)} min ago`;
  }

  #point() {
    const [values] = this.#series;
    if (this.#at === null || !values?.length) {
      this.#mark.setAttribute("d", "");
      this.#read(null);
      return;
    }
    const index = Math.round(this.#at * (values.length - 1));
    this.#mark.setAttribute("d", `M${x(index, values.length)} 0V${HEIGHT}`);
    // What lies beneath a line is not told twice.
    const lines = this.#series.filter((_, place) => this.#paths[place].getAttribute("class") !== "area");
    const told = lines.map((one) => (one[index] === null ? "–" : this.#says(one[index]))).join(" / ");
    this.#read(`${this.#ago(index)}: ${told}`);
  }
}

function x(index, length) {
  return length > 1 ? Math.round((index * WIDTH * 10) / (length - 1)) / 10 : WIDTH;
}

function y(value, top) {
  return Math.round((HEIGHT - (value / top) * (HEIGHT - TOP)) * 10) / 10;
}

/** The runs of what is known, each a line or what lies beneath it. */
function line(values, top, filled) {
  const runs = [];
  let run = null;
  values.forEach((value, index) => {
    if (value === null) run = null;
    else if (run) run.push(index);
    else runs.push((run = [index]));
  });
  return runs.map((one) => {
    const drawn = one.map((index) => `${x(index, values.length)} ${y(values[index], top)}`).join("L");
    const [first, last] = [x(one[0], values.length), x(one.at(-1), values.length)];
    if (filled) return `M${first} ${HEIGHT}L${drawn}L${last} ${HEIGHT}Z`;
    return one.length > 1 ? `M${drawn}` : `M${drawn}h.1`;
  }).join("");
}

function bars(values, top) {
  const width = WIDTH / values.length;
  return values.map((value, index) => {
    if (!value) return "";
    const [left, up] = [Math.round(index * width * 10) / 10, y(value, top)];
    return `M${left} ${HEIGHT}V${up}h${Math.round(width * 7) / 10}V${HEIGHT}Z`;
  }).join("");
}
