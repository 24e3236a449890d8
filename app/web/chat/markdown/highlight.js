/**
 * Colours for code, without touching it: ranges over its text (the CSS Custom Highlight API), so that a selection, a
 * copy and a growing text stay what they are. A language is fetched when it is first seen. A
 * browser without the interface shows plain code.
 *
 * Only what is in sight has ranges: a browser looks at every range of the page in each frame in which anything changed.
 */

import { Reading } from "/chat/markdown/tokens.js";

const LANGUAGES = new Map(Object.entries({
  bash: "bash sh shell zsh console shell-session fish",
  c: "c h cpp c++ cc hpp csharp cs c#",
  css: "css scss less",
  diff: "diff patch",
  docker: "docker dockerfile",
  go: "go golang",
  html: "html vue svelte",
  http: "http",
  ini: "ini conf properties",
  java: "java kotlin kt scala groovy",
  js: "javascript js jsx mjs cjs",
  json: "json jsonc json5 jsonl",
  lua: "lua",
  make: "make makefile",
  md: "markdown md",
  pl: "perl pl",
  py: "python py python3",
  rs: "rust rs",
  sql: "sql postgresql mysql sqlite",
  toml: "toml",
  ts: "typescript ts tsx",
  xml: "xml svg",
  yaml: "yaml yml",
}).flatMap(([file, names]) => names.split(" ").map((name) => [name, file])));
/** What the languages name in each other. */
const INNER = ["jsdoc", "regex", "todo", "uri"];

/** What grows or moves is looked at again at this beat. */
const BEAT_MS = 100;
/** So far beyond the edge is in sight. */
const MARGIN = 600;
/** So many lines come and go together. */
const LINES = 16;

const supported = typeof CSS !== "undefined" && "highlights" in CSS;
/** Of each element: what was read, what was found in it, and the ranges of it that are on the page. */
const painted = new Map();
const files = new Map();
let timer = null;

/** Paints a `code` element with `data-language`, soon. @param {HTMLElement} code */
export function paint(code) {
  if (!supported || !LANGUAGES.has(code.dataset.language.toLowerCase())) return;
  if (!painted.has(code)) {
    const reading = new Reading(LANGUAGES.get(code.dataset.language.toLowerCase()), language);
    painted.set(code, { text: null, reading, ranges: [], shown: "", notBefore: 0 });
  }
  soon();
}

/** Lets go of the colours of one that is taken away. */
export function forget(code) {
  if (painted.has(code)) colour(painted.get(code), 0, 0);
  painted.delete(code);
}

for (const event of ["scroll", "resize"]) addEventListener(event, () => painted.size && soon(), { capture: true, passive: true });

function soon() {
  timer ??= setTimeout(() => {
    timer = null;
    painted.forEach(look);
  }, BEAT_MS);
}

function look(state, code) {
  const { top, height } = code.getBoundingClientRect();
  const starts = [0];
  const source = code.textContent;
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) starts.push(at + 1);
  // All lines of code are of one height, unless they are broken.
  const wraps = "wrap" in document.documentElement.dataset;
  const line = (y) => Math.ceil((wraps ? above(code.firstChild, starts, y) : ((y - top) / height) * starts.length) / LINES) * LINES;
  const [first, end] = [line(-MARGIN) - LINES, line(innerHeight + MARGIN)];
  const seen = height > 0 && end > 0 && first < starts.length;
  colour(state, starts[Math.max(first, 0)], seen ? (starts[end] ?? Infinity) : 0);
  if (!seen || (source === state.reading.source && code.firstChild === state.text)) return;
  if (performance.now() < state.notBefore) return soon();
  state.notBefore = Infinity;
  read(code, state).catch((error) => console.warn("highlight:", error.name));
}

/** How many of the lines begin above a height of the window. */
function above(text, starts, y) {
  const range = document.createRange();
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    range.setStart(text, Math.min(starts[middle], text.length));
    range.collapse(true);
    if (range.getBoundingClientRect().top < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function read(code, state) {
  const text = code.firstChild;
  const { tokenizer } = await load("tokenize");
  const start = performance.now();
  const more = await state.reading.on(tokenizer, text.data);
  const now = performance.now();
  state.notBefore = now + (more ? 0 : Math.min((now - start) * 10, 1000));
  // Meanwhile it may have grown or be gone.
  if (!painted.has(code)) return;
  if (code.firstChild === text && text.data.startsWith(state.reading.source)) Object.assign(state, { text, shown: "" });
  look(state, code);
  if (more) soon();
}

/** Has the ranges on the page that lie between two places. */
function colour(state, from, to) {
  if (state.shown === `${from} ${to}`) return;
  state.shown = `${from} ${to}`;
  for (const [highlight, range] of state.ranges) highlight.delete(range);
  const found = state.text?.data.startsWith(state.reading.source) ? state.reading.found : [];
  state.ranges = found.filter(([, start, end]) => end > from && start < to).map(([kind, start, end]) => {
    const name = `code-${kind}`;
    if (!CSS.highlights.has(name)) CSS.highlights.set(name, new Highlight());
    const range = new StaticRange({ startContainer: state.text, startOffset: start, endContainer: state.text, endOffset: end });
    CSS.highlights.get(name).add(range);
    return [CSS.highlights.get(name), range];
  });
}

const languages = new Map();

function language(name) {
  if (![...LANGUAGES.values(), ...INNER].includes(name)) return undefined;
  if (languages.has(name)) return languages.get(name);
  return load(`languages/${name}`).then((found) => {
    languages.set(name, found.default);
    return found.default;
  });
}

function load(file) {
  if (!files.has(file)) files.set(file, import(`/vendor/speed-highlight/${file}.js`));
  return files.get(file);
}
