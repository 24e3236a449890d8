/**
 * Colours for code, without touching it: ranges over its text (the CSS Custom Highlight API), so that a selection, a
 * copy and a growing text stay what they are. Speed-highlight reads; a language is fetched when it is first seen. A
 * browser without the interface shows plain code.
 *
 * Only what is in sight has ranges: a browser looks at every range of the page in each frame in which anything changed.
 */

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

/** What is longer stays plain: reading it would be felt. */
const LONGEST = 40_000;
/** A block that grows is painted at this beat, or so many times as slowly as it takes. */
const BEAT_MS = 150;
const BEAT_MS_MAX = 1000;
const REST = 10;
/** So far beyond the edge is in sight; of a block with more ranges only the lines that are. */
const MARGIN = 600;
const MANY = 500;

const supported = typeof CSS !== "undefined" && "highlights" in CSS;
/** Of each element that may be painted: `{ text, source, found, ranges, seen, timer, took }`. */
const painted = new WeakMap();
const files = new Map();
/** Those in sight that have more ranges than are on the page. */
const large = new Set();
const margins = { rootMargin: `${MARGIN}px 0px`, scrollMargin: `${MARGIN}px 0px` };
const sight = supported && new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const state = painted.get(target);
    if (!state) continue;
    state.seen = isIntersecting;
    colour(target, state);
    if (target.textContent !== state.source) soon(target, state);
  }
}, margins);

/** Paints a `code` element with `data-language`, soon. @param {HTMLElement} code */
export function paint(code) {
  if (!supported || !LANGUAGES.has(code.dataset.language.toLowerCase())) return;
  const state = painted.get(code);
  if (state) return soon(code, state);
  painted.set(code, { text: null, source: "", found: [], ranges: [], seen: false, timer: null, took: 0 });
  sight.observe(code);
}

/** Lets go of the colours within an element that is taken away. */
export function forget(element) {
  for (const code of element.querySelectorAll("code[data-language]")) {
    const state = painted.get(code);
    if (!state) continue;
    sight.unobserve(code);
    painted.delete(code);
    clearTimeout(state.timer);
    state.seen = false;
    colour(code, state);
  }
}

function soon(code, state) {
  if (!state.seen) return;
  state.timer ??= setTimeout(() => {
    state.timer = null;
    read(code, state).catch((error) => console.warn("highlight:", error.name));
  }, Math.max(BEAT_MS, Math.min(state.took * REST, BEAT_MS_MAX)));
}

async function read(code, state) {
  const text = code.firstChild;
  const source = text?.nodeType === Node.TEXT_NODE ? text.data : "";
  const { tokenizer } = await load("tokenize");
  const start = performance.now();
  const found = [];
  if (source.length <= LONGEST) {
    let at = 0;
    const reading = tokenizer(source, LANGUAGES.get(code.dataset.language.toLowerCase()), (piece, kind) => {
      if (kind && piece) found.push([kind, at, at + piece.length]);
      at += piece.length;
    });
    for (let step = reading.next(); !step.done; ) step = reading.next(await language(step.value));
  }
  // Meanwhile it may have grown (then it is painted again soon) or be gone.
  if (painted.get(code) !== state || code.firstChild !== text || !text?.data.startsWith(source)) return;
  Object.assign(state, { text, source, found, took: performance.now() - start });
  colour(code, state);
}

/** Puts the ranges on the page that are in sight, and takes away those that are not. */
function colour(code, state) {
  for (const [kind, range] of state.ranges) CSS.highlights.get(`code-${kind}`).delete(range);
  const many = state.seen && state.found.length > MANY;
  large[many ? "add" : "delete"](code);
  const [from, to] = many ? extent(code, state.source) : [0, state.seen ? Infinity : 0];
  state.ranges = state.found.filter(([, start, end]) => end > from && start < to).map(([kind, start, end]) => {
    const name = `code-${kind}`;
    if (!CSS.highlights.has(name)) CSS.highlights.set(name, new Highlight());
    const range = new StaticRange({ startContainer: state.text, startOffset: start, endContainer: state.text, endOffset: end });
    CSS.highlights.get(name).add(range);
    return [kind, range];
  });
}

/** Where the lines in sight begin and end: all lines of code are of one height. */
function extent(code, source) {
  const { top, height } = code.getBoundingClientRect();
  const starts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) starts.push(at + 1);
  const line = (y) => Math.floor(((y - top) / (height || 1)) * starts.length);
  return [starts[Math.max(line(-MARGIN), 0)] ?? source.length, starts[Math.max(line(innerHeight + MARGIN), 0)] ?? source.length];
}

let scrolled = null;
if (supported) {
  document.addEventListener("scroll", () => {
    if (!large.size) return;
    scrolled ??= setTimeout(() => {
      scrolled = null;
      for (const code of large) colour(code, painted.get(code));
    }, BEAT_MS / 2);
  }, { capture: true, passive: true });
}

async function language(name) {
  if (![...LANGUAGES.values(), ...INNER].includes(name)) return undefined;
  return (await load(`languages/${name}`)).default;
}

function load(file) {
  if (!files.has(file)) files.set(file, import(`/vendor/speed-highlight/${file}.js`));
  return files.get(file);
}
