/**
 * Markdown that grows: rendered as it arrives, and what stands is not touched again.
 *
 * `marked` reads, this module builds the elements itself: no text ever becomes markup, a link leads to http, https or
 * mailto, and a picture is shown only if it is part of the text (a model could tell a stranger's server who reads what).
 * The text from the last finished block on is read anew with each frame. What it is to look like is compared with what it
 * looked like before, as values: only what differs is built.
 */

import { Lexer } from "/vendor/marked.js";
import { h, icon } from "/chat/dom.js";
import { complete, fence, GROWS } from "/chat/markdown/unfinished.js";
import { decode, image, leading } from "/chat/markdown/links.js";
import { reconcile, revise, shape } from "/chat/markdown/shape.js";

/** Formulas, notes, keys, letters by their names: what has rules of its own, which are fetched with the first text that may need them. */
const RARE = /\$|\\[([]|\[\^|<(?:kbd|su[bp])>|&[a-z]/i;
/** The rules; null: they are not here yet; none are in it where they cannot be had. */
let rare = null;
let asked = null;

/** Resolves when they are here. */
export function fetchRare() {
  asked ??= import("/chat/markdown/rare.js").catch(() => ({})).then((found) => (rare = found));
  return asked;
}

const SLICE = 1024;
/** A text whose open end has become expensive is drawn less often. */
const REST = 4;
export class Markdown {
  #root;
  /** How many of the root's children are finished, the shapes of those behind them, and the text of these. */
  #finished = 0;
  #shapes = [];
  #defined = "";
  #reading;
  #mark;
  /** Of the last heading before them, and of the one before the first, which is the page's own. */
  #level;
  #above;
  #open = "";
  #waiting = "";
  #carried = "";
  #whole = "";
  #ended = false;
  /** Whether there is something to draw, and from when on it may be. */
  #due = false;
  /** Whether it waits for the rules of what is rare. */
  #held = false;
  #notBefore = 0;

  /**
   * `root`: an empty element; `above`: the level of the heading that stands above it, 0 for none; `breaks`: whether the
   * end of a line is one. `mark(tokens)` may give a link or a picture an address of our `own`, and a heading an `id`.
   */
  constructor(root, { above = 1, breaks = true, mark = () => {} } = {}) {
    this.#root = root;
    this.#above = this.#level = above;
    this.#reading = { gfm: true, breaks };
    this.#mark = mark;
  }

  get text() {
    return this.#whole;
  }

  write(text) {
    const all = this.#carried + text;
    this.#carried = all.endsWith("\r") ? "\r" : ""; // the other half of a line's end may come with the next piece
    this.#waiting += all.slice(0, all.length - this.#carried.length).replace(/\r\n?/g, "\n");
    this.#whole += text;
    this.#due = true;
  }

  /** No more text comes. */
  end() {
    this.#due ||= !this.#ended;
    this.#ended = true;
    if (this.#carried) this.#waiting += "\n";
    this.#carried = "";
  }

  /** Draws until all is drawn or the time is over; true if there is more to draw. */
  draw(deadline) {
    if (!this.#due) return false;
    warmed = true;
    if (performance.now() < this.#notBefore && !this.#ended) return true;
    if (this.#held && !rare && !this.#waiting) return true;
    for (;;) {
      const start = performance.now();
      const size = Math.max(SLICE, this.#open.length >> 2);
      this.#open += this.#waiting.slice(0, size);
      this.#waiting = this.#waiting.slice(size);
      this.#show(this.#ended && !this.#waiting);
      const now = performance.now();
      if (!this.#waiting) {
        this.#due = this.#held;
        this.#notBefore = now + (now - start > 2 ? (now - start) * REST : 0);
        return this.#due;
      }
      if (now >= deadline) return true;
    }
  }

  #show(last) {
    try {
      this.#held = !rare && RARE.test(this.#open);
      if (this.#held) fetchRare();
      const code = last ? null : fence(this.#open);
      if (code && !code.closed) return this.#put([codeBlock(code.language, code.code)]);
      const open = sane(this.#open);
      const text = last ? open : complete(open, rare);
      const tokens = this.#read(text);
      this.#put(blocks(tokens, this.#level, this.#above), JSON.stringify([tokens.links, rare === null]));
      // Before the rules of what is rare are here nothing is finished.
      if (!last && !this.#held) this.#finish(tokens, text);
      // What a later definition says about an earlier link is seen only by reading all of it again.
      else if (last && /^ {0,3}\[(?!\^\d{1,3}\])[^\]\n]+\]:/m.test(this.#whole)) {
        this.#revise(blocks(this.#read(sane(this.#whole), true), this.#above, this.#above));
      }
    } catch (error) {
      // Nested beyond what can be read, say: then it is shown as it is.
      console.warn("markdown:", error.name);
      while (this.#root.childNodes.length > this.#finished) this.#root.lastChild.remove();
      this.#shapes = [];
      this.#put([shape("p", { class: "plain" }, () => [this.#open])]);
    }
  }

  /** Has all of it look like this; what holds nothing that could be defined elsewhere does so already. */
  #revise(all) {
    this.#shapes = [];
    if (all.length === this.#root.childNodes.length) {
      [...this.#root.childNodes].forEach((node, index) => all[index].key.includes("[") && revise(node, all[index]));
    } else {
      this.#finished = 0;
      this.#put(all);
    }
  }

  #read(text, whole = false) {
    const tokens = Lexer.lex(text, { ...this.#reading, ...rare?.rules, notes: whole ? rare?.notes?.(text) : null });
    this.#mark(tokens);
    return tokens;
  }

  /** All blocks but the last are finished once a whole line follows them. */
  #finish(tokens, text) {
    const whole = text.lastIndexOf("\n"); // a block that begins before it has a whole line
    let [at, end, shown, done, unsure, level] = [0, 0, 0, 0, false, this.#level];
    for (const token of tokens) {
      if (token.type !== "space") {
        if (at > whole || token.unsure) break;
        if (/(^|\n)[ \t]*\n$/.test(text.slice(Math.max(0, at - 99), at))) unsure = false;
        // A rule or an element, and what is around it, may still become one heading, underlined further down.
        else unsure ||= token.type === "hr" || token.type === "html";
        if (!unsure) [end, done, this.#level] = [at, shown, level];
      }
      at += token.raw.length;
      shown += isShown(token);
      level = token.level ?? level;
    }
    if (!end) return;
    this.#finished += done;
    this.#shapes = this.#shapes.slice(done);
    this.#open = this.#open.slice(end);
  }

  /** `defined`: addresses that are defined elsewhere; with others the same text may come to mean something else. */
  #put(shapes, defined = "") {
    this.#shapes = reconcile(this.#root, this.#finished, this.#shapes, shapes, defined === this.#defined);
    this.#defined = defined;
  }
}

const REST_MS = 300;
/** Whether anything was read yet. */
let warmed = false;
const SAMPLE = "# a\n\n*b* **c** `d` [e](https://f) ~~g~~ \\h i\n\n- j\n  1. k\n\n| l |\n|---|\n| m |\n\n> n\n\n```\no\n```\n\n<p>\n";

/** Reads one of each once the page has come to rest: the first words of an answer wait for nothing to be compiled. */
export function warm() {
  setTimeout(() => {
    if (warmed) return;
    const markdown = new Markdown(document.createElement("div"));
    markdown.write(SAMPLE);
    markdown.end();
    markdown.draw(Infinity);
  }, REST_MS);
}

/** Half a pair of what makes one letter is shown as a replacement, and so is what stands for a formula that grows. */
const sane = (text) => text.replace(/[\u0003\p{Cs}]/gu, "\ufffd");

const isShown = (token) => token.type !== "space" && token.type !== "def";

/** The text that a block was read from, and what was read: the end of an indented line depends on the next. */
const keyOf = (token) => `${token.level}${token.raw}\n${token.text}`;

/** `level`: of the heading before them, `above`: of the one before the first; for those that stand in no other block. */
function blocks(tokens, level, above) {
  return tokens.filter(isShown).map((token) => {
    // No level is left out, whatever the text does.
    if (level !== undefined && token.type === "heading") token.level = level = Math.min(token.depth - 1 + above, level) + 1;
    const made = Object.assign(block(token), { key: keyOf(token) });
    // What stands in it is read as the first letter of it is.
    if (level !== undefined && made.name !== "figure" && token.type !== "formula") made.attributes.dir = "auto";
    return made;
  });
}

function block(token) {
  switch (token.type) {
    case "heading":
      return shape(token.level ? `h${Math.min(token.level, 6)}` : "p", { class: `heading level-${token.depth}`, id: token.id ?? null }, () => inlines(token.tokens));
    case "paragraph":
      return shape("p", {}, () => inlines(token.tokens));
    case "code":
      return codeBlock((token.lang ?? "").trim().split(/\s/)[0], token.text);
    case "blockquote":
      return shape("blockquote", {}, () => blocks(token.tokens));
    case "list":
      return shape(token.ordered ? "ol" : "ul", { start: token.start > 1 ? token.start : null }, () => token.items.map(item));
    case "table":
      return table(token);
    case "hr":
      return shape("hr");
    case "html":
      return shape("p", { class: "plain" }, () => [token.raw.trimEnd()]);
    default:
      return rare?.shaped?.(token, inlines) ?? shape("p", {}, () => (token.tokens ? inlines(token.tokens) : [decode(token.text ?? token.raw)]));
  }
}
function item(token) {
  // A tight item's text stands in it without a paragraph.
  const content = () => token.tokens.filter(isShown).map((child) => {
    if (child.type === "checkbox") return checkbox(child);
    if (child.type !== "text" || token.loose) return Object.assign(block(child), { key: keyOf(child) });
    return child.tokens ? inlines(child.tokens) : decode(child.text);
  });
  return shape("li", { class: token.task ? "task" : null }, content, `${token.loose}${keyOf(token)}`);
}

function checkbox(token) {
  return shape("input", { type: "checkbox", disabled: true, checked: token.checked, "aria-label": token.checked ? "done" : "to do" });
}

function table(token) {
  const cell = (name) => (cell) => shape(name, { class: cell.align ? `align-${cell.align}` : null }, () => inlines(cell.tokens));
  const row = (cells, name) => shape("tr", {}, () => cells.map(cell(name)), cells.map(({ align, text }) => `${align}|${text}`).join("|"));
  return shape("div", { class: "table", tabindex: "0", role: "group", "aria-label": "Table" }, () => [
    shape("table", {}, () => [
      shape("thead", {}, () => [row(token.header, "th")]),
      shape("tbody", {}, () => token.rows.map((cells) => row(cells, "td"))),
    ]),
  ]);
}

/** With a bar that names the language and copies; clicks on it are the log's to hear. */
function codeBlock(language, text) {
  const name = /^[\w+#.-]{1,20}$/.test(language) ? language : "";
  const label = name ? `Code, ${name}` : "Code";
  return shape("figure", { class: "code" }, () => [
    shape("figcaption", {}, () => [shape("span", {}, () => [name || "text"]), wrapButton, copyButton]),
    shape("pre", { tabindex: "0", role: "group", "aria-label": label }, () => [shape("code", { "data-language": name }, () => [text.replace(GROWS, "")])]),
  ]);
}

const WRAP = "keepstream.wrap";
const page = document.documentElement;
try {
  if (localStorage.getItem(WRAP)) page.dataset.wrap = "";
} catch {
  // Forbidden: it holds for as long as the page is open.
}

/** Whether long lines of code are broken holds for all of it, and is remembered. */
function wrapButton() {
  return h("button", {
    type: "button", class: "quiet wrap-code", "aria-label": "Wrap lines", title: "Wrap lines", "aria-pressed": String("wrap" in page.dataset),
    onclick: () => {
      const wrap = page.toggleAttribute("data-wrap");
      for (const button of document.querySelectorAll(".wrap-code")) button.setAttribute("aria-pressed", wrap);
      dispatchEvent(new Event("resize")); // what is in sight has changed
      try {
        localStorage.setItem(WRAP, wrap ? "1" : "");
      } catch {
        // As above.
      }
    },
  }, icon("wrap")); // prettier-ignore
}

function copyButton() {
  return h("button", { type: "button", class: "quiet copy-code", "aria-label": "Copy code", title: "Copy code" }, icon("copy"));
}

function inlines(tokens) {
  return tokens.map(inline);
}

function inline(token) {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return shape(token.type, {}, () => inlines(token.tokens));
    case "codespan":
      return shape("code", {}, () => [token.text]);
    case "br":
      return shape("br");
    case "link":
      if (token.own) return shape("a", { href: token.own }, () => inlines(token.tokens));
      return leading(token.href, token.title, () => (token.autolink ? [token.text] : inlines(token.tokens)));
    case "image":
      return image(token);
    case "checkbox":
      return checkbox(token);
    case "html":
      return /^<br\s*\/?>$/i.test(token.raw) ? shape("br") : token.raw;
    case "escape":
      return token.text;
    default:
      return rare?.shaped?.(token, inlines) ?? (token.tokens ? inlines(token.tokens) : decode(token.text ?? token.raw));
  }
}
