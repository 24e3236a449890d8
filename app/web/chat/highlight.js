/**
 * Colours for code, without touching it: ranges over its text (the CSS Custom Highlight API), so that a selection, a
 * copy and a growing text stay what they are. Speed-highlight reads; a language is fetched when it is first seen. A
 * browser without the interface shows plain code.
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
const LONGEST = 20_000;
/** A block that grows is painted at this beat. */
const BEAT_MS = 150;

const supported = typeof CSS !== "undefined" && "highlights" in CSS;
const painted = new Map();
const waiting = new Map();
const files = new Map();

/** Paints a `code` element with `data-language`, soon. @param {HTMLElement} code */
export function paint(code) {
  const file = LANGUAGES.get(code.dataset.language.toLowerCase());
  if (!supported || !file || waiting.has(code)) return;
  waiting.set(code, setTimeout(() => {
    waiting.delete(code);
    read(code, file).catch((error) => console.warn("highlight:", error.name));
  }, BEAT_MS));
}

/** Lets go of the colours within an element that is taken away. */
export function forget(element) {
  for (const code of element.querySelectorAll("code[data-language]")) {
    clearTimeout(waiting.get(code));
    waiting.delete(code);
    wipe(code);
  }
}

function wipe(code) {
  for (const [name, range] of painted.get(code) ?? []) CSS.highlights.get(name)?.delete(range);
  painted.delete(code);
}

async function read(code, file) {
  const text = code.firstChild;
  if (text?.nodeType !== Node.TEXT_NODE || text.data.length > LONGEST) return wipe(code);
  const source = text.data;
  const { tokenizer } = await load("tokenize");
  const found = [];
  let at = 0;
  const reading = tokenizer(source, file, (piece, kind) => {
    if (kind && piece) found.push([kind, at, at + piece.length]);
    at += piece.length;
  });
  for (let step = reading.next(); !step.done; ) step = reading.next(await language(step.value));
  // Meanwhile it may have grown (then it is painted again soon) or be gone.
  if (!code.isConnected || code.firstChild !== text || !text.data.startsWith(source)) return;
  wipe(code);
  painted.set(code, found.map(([kind, start, end]) => {
    const name = `code-${kind}`;
    if (!CSS.highlights.has(name)) CSS.highlights.set(name, new Highlight());
    const range = new StaticRange({ startContainer: text, startOffset: start, endContainer: text, endOffset: end });
    CSS.highlights.get(name).add(range);
    return [name, range];
  }));
}

async function language(name) {
  if (![...LANGUAGES.values(), ...INNER].includes(name)) return undefined;
  return (await load(`languages/${name}`)).default;
}

function load(file) {
  if (!files.has(file)) files.set(file, import(`/vendor/speed-highlight/${file}.js`));
  return files.get(file);
}
