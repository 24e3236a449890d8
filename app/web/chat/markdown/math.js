/**
 * Formulas: TeX as MathML, which a browser draws with the fonts that it has. Temml reads, and is fetched with the first
 * formula; this module builds the elements itself.
 *
 * The rule: of what Temml made only what is on the list becomes an element, with attributes that are measured, and no style.
 * What it cannot read, what is too deep and what is too large is its source, and so is what is copied.
 */

import { h } from "/chat/dom.js";
import { soon } from "/chat/pace.js";

const MATHML = "http://www.w3.org/1998/Math/MathML";
/** What is deeper or larger would hold up the page. */
const DEEPEST = 60;
const MOST = 5000;
/** No length is larger, in any unit but points and parts of a hundred. */
const FURTHEST = 20;
/** Definitions let a short text mean a long one, and a long one of chemistry is read many times. */
const LONGEST_COSTLY = 500;
const COSTLY = /\\(?:[gex]?def|let|(?:re)?newcommand|providecommand|ce|pu)(?![a-zA-Z])/;
const READING = { throwOnError: true, trust: false, strict: false, maxExpand: 200, maxSize: [FURTHEST, FURTHEST] };

const ELEMENTS = new Set(
  ("math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle " +
    "msub msubsup msup mtable mtd mtext mtr munder munderover none").split(" "),
);
const FLAG = /^(?:true|false)$/;
const LENGTH = /^[+-]?\d{0,4}\.?\d{0,6}(?:em|ex|mu|pt|px|%)?$/;
const COLOUR = /^(?:#[\da-f]{3,8}|[a-z]{1,20})$/i;
const ATTRIBUTES = {
  accent: FLAG, accentunder: FLAG, displaystyle: FLAG, fence: FLAG, largeop: FLAG, movablelimits: FLAG, separator: FLAG,
  stretchy: FLAG, symmetric: FLAG, depth: LENGTH, height: LENGTH, linethickness: LENGTH, lspace: LENGTH, maxsize: LENGTH,
  mathsize: LENGTH, minsize: LENGTH, rspace: LENGTH, voffset: LENGTH, width: LENGTH, mathbackground: COLOUR, mathcolor: COLOUR,
  display: /^block$/, form: /^(?:prefix|infix|postfix)$/, mathvariant: /^normal$/, scriptlevel: /^[+-]?\d$/,
}; // prettier-ignore
const CLASSES = /^(?:tml-(?:left|right|jot|small|tag|tageqn|prime|cancel|xcancel|overline|underline|fbox|vec)|upstrike|downstrike|sout|math(?:cal|scr))$/;
/** What Temml says by a style, as the name of a class. */
const STYLED = {
  borderTop: () => "line-top", borderBottom: () => "line-bottom", borderLeft: () => "line-left", borderRight: () => "line-right",
  border: () => "boxed", fontWeight: (value) => value === "bold" && "bold", width: (value) => value === "50%" && "fill",
}; // prettier-ignore

/** What chemists write is read by a part of its own. */
const CHEMISTRY = /\\(?:ce|pu)(?![a-zA-Z])/;

let temml = null;
let chemistry = false;
let asked = null;
let askedChemistry = null;
const waiting = new Set();
/** What makes the element of each formula: the same for the same, so that what stands is not made again. */
const known = new Map();

/** @param {{ tex: string, source: string, display: boolean }} token; gives what makes its element */
export function formula({ tex, source, display }) {
  if (!known.has(source)) {
    if (known.size > MOST) known.clear();
    known.set(source, () => made(tex, source, display));
  }
  return known.get(source);
}

function made(tex, source, display) {
  const element = h("span", { class: display ? "math display" : "math", "data-source": source, dir: "ltr" }, source);
  element.tex = tex;
  if (readable(tex)) fill(element);
  else {
    waiting.add(element);
    if (CHEMISTRY.test(tex)) fetchChemistry();
    else fetchTemml();
  }
  return element;
}

const readable = (tex) => temml !== null && (chemistry || !CHEMISTRY.test(tex));

/** Until Temml is here, and where it never comes, formulas are their source. */
export function fetchTemml() {
  asked ??= Promise.all([import("/vendor/temml.js"), styles()]).then(([found]) => {
    temml = found.temml;
    soon(fillSome);
  }, (error) => console.warn("math:", error.name));
  return asked;
}

function fetchChemistry() {
  askedChemistry ??= fetchTemml().then(() => import("/vendor/mhchem.js")).then(() => {
    chemistry = true;
    soon(fillSome);
  }, (error) => console.warn("math:", error.name));
}

function styles() {
  return new Promise((resolve) => {
    document.head.append(h("link", { rel: "stylesheet", href: "/math.css", onload: resolve, onerror: resolve }));
  });
}

function fillSome(deadline) {
  for (const element of waiting) {
    if (!readable(element.tex)) continue;
    waiting.delete(element);
    fill(element);
    if (performance.now() > deadline) return true;
  }
  return false;
}

function fill(element) {
  const { tex } = element;
  try {
    if (deep(tex) || (tex.length > LONGEST_COSTLY && COSTLY.test(tex))) throw new RangeError("too large");
    const display = element.classList.contains("display");
    const tree = temml.__renderToMathMLTree(tex, { ...READING, displayMode: display });
    element.replaceChildren(build(tree, 0, { left: MOST }));
    watch.observe(element);
  } catch {
    element.classList.add("unread"); // what was not meant for TeX, or not finished: the source says it best
  }
}

/** Braces are counted before anything reads them. */
function deep(tex) {
  let depth = 0;
  for (const sign of tex) {
    if (sign === "{" && ++depth > DEEPEST) return true;
    if (sign === "}") depth--;
  }
  return false;
}

/** The node for a node of Temml's tree. Throws for whatever is not on the list. */
function build(node, depth, budget) {
  if (depth > DEEPEST || --budget.left < 0) throw new RangeError("too large");
  if (typeof node.text === "string" && !node.children) return document.createTextNode(node.text);
  const children = node.children.map((child) => build(child, depth + 1, budget));
  if (node.type === undefined) {
    // A part of a document, or a span for what is styled.
    if (node.href !== undefined || node.src !== undefined) throw new TypeError("leads somewhere");
    const part = document.createDocumentFragment();
    part.append(...children);
    return part;
  }
  if (!ELEMENTS.has(node.type)) throw new TypeError(node.type);
  const element = document.createElementNS(MATHML, node.type);
  for (const [name, value] of Object.entries(node.attributes)) attribute(element, name, String(value));
  const names = node.classes.filter((name) => CLASSES.test(name));
  for (const [name, value] of Object.entries(node.style)) {
    if (name === "color") attribute(element, "mathcolor", String(value));
    else if (Object.hasOwn(STYLED, name)) names.push(STYLED[name](value));
  }
  if (names.some(Boolean)) element.classList.add(...names.filter(Boolean));
  element.append(...children);
  return element;
}

function attribute(element, name, value) {
  if (!Object.hasOwn(ATTRIBUTES, name) || !ATTRIBUTES[name].test(value)) return;
  if (ATTRIBUTES[name] === LENGTH && Math.abs(parseFloat(value)) > (/(pt|px|%)$/.test(value) ? FURTHEST * 10 : FURTHEST)) return;
  element.setAttribute(name, value);
}

/** What is wider than its place can be scrolled, by the keyboard too. */
const watch = new ResizeObserver((entries) => {
  const wide = entries.map(({ target }) => [target, target.scrollWidth > target.clientWidth + 1]);
  // Not at once: it changes their size, and who watches is not to be called again for that.
  requestAnimationFrame(() => wide.forEach(([target, is]) => widen(target, is)));
});

function widen(target, is) {
  if (!target.isConnected) watch.unobserve(target);
  target.classList.toggle("wide", is);
  for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Formula"]]) {
    if (is) target.setAttribute(name, value);
    else target.removeAttribute(name);
  }
}

/** Copies formulas as their source: what else there is to copy of one are letters without their places. */
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (event.defaultPrevented || !selection.rangeCount || event.target.closest?.("textarea, input")) return;
  const range = selection.getRangeAt(0).cloneRange();
  const around = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest(".math");
  const [first, last] = [around(range.startContainer), around(range.endContainer)];
  if (first) range.setStartBefore(first);
  if (last) range.setEndAfter(last);
  const copied = h("div", { class: "copied" });
  copied.append(range.cloneContents());
  const found = copied.querySelectorAll(".math");
  if (!found.length) return;
  for (const one of found) one.replaceWith(h("span", { class: "plain" }, one.dataset.source));
  document.body.append(copied); // only what is drawn has lines
  event.clipboardData.setData("text/plain", copied.innerText);
  copied.remove();
  event.preventDefault();
});
