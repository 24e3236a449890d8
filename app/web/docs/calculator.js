/**
 * The calculator on the page about sizing: fields, and what `need` says of them. The rule: its figures are those that
 * stand in the page's own tables, so the page says all that it reckons with; without it the tables are there.
 */

import { h } from "/chat/dom.js";
import { need } from "/docs/need.js";

const HOUR = 3600;
/** Each with its bounds; the value is what it begins with. */
const FIELDS = [
  ["streams", "Streams at a time", { min: 1, max: 10_000_000, value: 1000 }],
  ["readers", "Readers of each", { min: 0, max: 100_000, value: 1, step: "any" }],
  ["rate", "Tokens a second", { min: 1, max: 10_000, value: 50, step: "any" }],
  ["tokens", "Tokens of an answer", { min: 1, max: 1_000_000, value: 1000 }],
  ["kept", "Hours that it is kept", { min: 0, max: 10_000, value: 1, step: "any" }],
];
const ANSWERS = [
  ["fronts", "Fronts", "", 0],
  ["workers", "Workers", "", 0],
  ["nodes", "Redis", "", 0],
  ["queue_share", "The queue’s Redis is busy", "%", 0],
  ["redis_gb", "Memory of Redis", "GB", 1],
  ["redis_mb_s", "Through Redis", "MB/s", 1],
  ["out_mb_s", "To readers", "MB/s", 1],
  ["busy_cores", "Cores that are busy", "", 1],
  ["cores", "Cores to have", "", 0],
  ["memory_gb", "Memory of all", "GB", 1],
  ["usd_hour", "Machines, an hour", "$", 2],
  ["api_usd_hour", "The API, an hour", "$", 2],
];

/** The figures of the page, by their names. */
export function figures(main) {
  const rows = [...main.querySelectorAll("tr")].filter(({ cells: [name] }) => name.querySelector("code"));
  const pairs = rows.map(({ cells: [name, value] }) => [name.textContent, Number(value.textContent.replaceAll(",", ""))]);
  return Object.fromEntries(pairs.filter(([, value]) => !Number.isNaN(value)));
}

/** A number as it is said: its digits that count, and never none of them. */
export function said(value, unit, digits) {
  const number = unit === "%" ? value * 100 : value;
  const text = number.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: unit === "$" ? digits : 0 });
  const shown = Number(text.replaceAll(",", "")) === 0 && number > 0 ? `< ${10 ** -digits}` : text;
  return unit === "$" ? `$ ${shown}` : unit ? `${shown} ${unit}` : shown;
}

/** What a screen reader is told as well: the answer in a sentence. */
function advice({ fronts, workers, nodes, queue_share }, { busy }) {
  const redis = nodes > 1 ? `one Redis for the queue and ${nodes - 1} for the streams` : "one Redis for all of it";
  const told = `${said(fronts, "", 0)} fronts, ${said(workers, "", 0)} workers, ${redis}.`;
  return queue_share > busy ? `${told} But the queue asks more of its Redis than that can do: fewer and larger workers help, and longer answers; else it is more than one Keepstream.` : told;
}

/** Puts the calculator behind `heading`. */
export function calculator(main, heading) {
  const of = figures(main);
  const answers = new Map(ANSWERS.map(([name]) => [name, h("dd", { id: `need-${name}` })]));
  const note = h("p", { role: "status" });
  const inputs = new Map();
  const reckon = () => {
    const load = Object.fromEntries([...inputs].map(([name, input]) => [name, input.validity.valid ? input.valueAsNumber : NaN]));
    const found = !Object.values(load).some(Number.isNaN) && need(of, { ...load, kept: load.kept * HOUR });
    for (const [name, , unit, digits] of ANSWERS) answers.get(name).textContent = found ? said(found[name], unit, digits) : "–";
    note.textContent = found ? advice(found, of) : "One of the numbers cannot be used.";
  };
  const fields = FIELDS.map(([name, label, bounds]) => {
    inputs.set(name, h("input", { id: `load-${name}`, type: "number", inputmode: "decimal", required: true, ...bounds, oninput: reckon }));
    return h("div", {}, h("label", { for: `load-${name}` }, label), inputs.get(name));
  });
  const shown = h("div", { class: "calculator", role: "group", "aria-labelledby": heading.id },
    h("div", { class: "fields" }, fields),
    h("dl", {}, ANSWERS.map(([name, label]) => h("div", {}, h("dt", {}, label), answers.get(name)))),
    note);
  heading.after(shown);
  reckon();
}
