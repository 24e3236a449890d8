/** How numbers are said. Pure. The rule: short enough for a wall, and never more exact than what is known. */

const UNITS = [[86_400, "d"], [3600, "h"], [60, "min"]];

/** 1,234 · 12.3 k · 4.5 M */
export function count(number) {
  if (number === null || number === undefined) return "–";
  if (number >= 999_500) return `${shown(number / 1e6)} M`;
  if (number >= 9995) return `${shown(number / 1e3)} k`;
  return Math.round(number).toLocaleString("en");
}

/** 620 ms · 3.2 s · 48 s · 4 min · 2 h */
export function seconds(number) {
  if (number === null || number === undefined) return "–";
  if (number > 0 && number < 0.9995) return `${Math.round(number * 1000)} ms`;
  if (number < 9.95) return `${trimmed(number.toFixed(1))} s`;
  if (number < 119.5) return `${Math.round(number)} s`;
  for (const [size, unit] of UNITS) if (number >= size) return `${Math.floor(number / size)} ${unit}`;
  return "";
}

export function bytes(number) {
  if (number === null || number === undefined) return "–";
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) if (number >= size) return `${shown(number / size)} ${unit}`;
  return `${Math.round(number)} B`;
}

export function usd(number) {
  if (number === null || number === undefined) return "–";
  return number >= 1000 ? `$${count(number)}` : `$${number.toFixed(2)}`;
}

/** "1 worker", "3 workers". */
export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}

export function share(part, whole) {
  return whole > 0 ? `${Math.round((100 * part) / whole)} %` : "–";
}

function shown(number) {
  return trimmed(number < 9.95 ? number.toFixed(1) : number.toFixed(number < 99.5 ? 1 : 0));
}

function trimmed(text) {
  return text.replace(/\.0$/, "");
}
