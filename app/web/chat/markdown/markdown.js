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
import { complete, fence } from "/chat/markdown/unfinished.js";
import { build, reconcile, shape } from "/chat/markdown/shape.js";

const SLICE = 1024;
/** A text whose open end has become expensive is drawn less often. */
const REST = 4;
const ENTITIES = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", reg: "®", trade: "™", hellip: "…",
  mdash: "—", ndash: "–", lsquo: "‘", rsquo: "’", ldquo: "“", rdquo: "”", bull: "•", middot: "·", times: "×", divide: "÷",
  larr: "←", uarr: "↑", rarr: "→", darr: "↓", harr: "↔", le: "≤", ge: "≥", ne: "≠", asymp: "≈", plusmn: "±", deg: "°",
  euro: "€", pound: "£", yen: "¥", cent: "¢", sect: "§", para: "¶", laquo: "«", raquo: "»", infin: "∞", micro: "µ",
}; // prettier-ignore

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
    for (;;) {
      const start = performance.now();
      const size = Math.max(SLICE, this.#open.length >> 2);
      this.#open += this.#waiting.slice(0, size);
      this.#waiting = this.#waiting.slice(size);
      this.#show(this.#ended && !this.#waiting);
      const now = performance.now();
      if (!this.#waiting) {
        this.#due = false;
        this.#notBefore = now + (now - start > 2 ? (now - start) * REST : 0);
        return false;
      }
      if (now >= deadline) return true;
    }
  }

  #show(last) {
    try {
      const code = last ? null : fence(this.#open);
      if (code && !code.closed) return this.#put([codeBlock(code.language, code.code)]);
      const text = (last ? this.#open : complete(this.#open)).toWellFormed(); // half a pair is shown as a replacement
      const tokens = this.#read(text);
      this.#put(blocks(tokens, this.#level, this.#above), JSON.stringify(tokens.links));
      if (!last) this.#finish(tokens, text);
      // What a later definition says about an earlier link is seen only by reading all of it again.
      else if (/^ {0,3}\[[^\]\n]+\]:/m.test(this.#whole)) {
        this.#finished = 0;
        this.#shapes = [];
        this.#put(blocks(this.#read(this.#whole.toWellFormed()), this.#above, this.#above));
      }
    } catch (error) {
      // Nested beyond what can be read, say: then it is shown as it is.
      console.warn("markdown:", error.name);
      while (this.#root.childNodes.length > this.#finished) this.#root.lastChild.remove();
      this.#shapes = [];
      this.#put([shape("p", { class: "plain" }, () => [this.#open])]);
    }
  }

  #read(text) {
    const tokens = Lexer.lex(text, this.#reading);
    this.#mark(tokens);
    return tokens;
  }

  /** All blocks but the last are finished once a whole line follows them. */
  #finish(tokens, text) {
    const whole = text.lastIndexOf("\n"); // a block that begins before it has a whole line
    let [at, end, shown, done, unsure, level] = [0, 0, 0, 0, false, this.#level];
    for (const token of tokens) {
      if (token.type !== "space") {
        if (at > whole) break;
        if (/(^|\n)[ \t]*\n$/.test(text.slice(Math.max(0, at - 99), at))) unsure = false;
        // A rule and what is around it may still become one heading, underlined further down.
        else unsure ||= token.type === "hr";
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
const SAMPLE = "# a\n\n*b* **c** `d` [e](https://f) ~~g~~ \\h &amp; i\n\n- j\n  1. k\n\n| l |\n|---|\n| m |\n\n> n\n\n```\no\n```\n\n<p>\n";

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

const isShown = (token) => token.type !== "space" && token.type !== "def";

/** The text that a block was read from, and what was read: the end of an indented line depends on the next. */
const keyOf = (token) => `${token.level}${token.raw}\n${token.text}`;

/** `level`: of the heading before them, `above`: of the one before the first; for those that stand in no other block. */
function blocks(tokens, level, above) {
  return tokens.filter(isShown).map((token) => {
    // No level is left out, whatever the text does.
    if (level !== undefined && token.type === "heading") token.level = level = Math.min(token.depth - 1 + above, level) + 1;
    return Object.assign(block(token), { key: keyOf(token) });
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
      return shape("p", {}, () => (token.tokens ? inlines(token.tokens) : [decode(token.text ?? token.raw)]));
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
    shape("figcaption", {}, () => [shape("span", {}, () => [name || "text"]), copyButton]),
    shape("pre", { tabindex: "0", role: "group", "aria-label": label }, () => [shape("code", { "data-language": name }, () => [text])]),
  ]);
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
      return token.tokens ? inlines(token.tokens) : decode(token.text ?? token.raw);
  }
}

/** Where a text may lead: an absolute http, https or mailto address; null for all else. */
export function destination(href) {
  let url;
  try {
    url = new URL(decode(href));
  } catch {
    return null;
  }
  return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
}

/** An element that leads there, if that is safe. */
export function link(href, title, content) {
  return build(leading(href, title, () => [content]));
}

function leading(href, title, children) {
  const to = destination(href);
  if (to === null) return shape("span", { class: "nolink", title: "This link leads nowhere that is safe" }, children);
  return shape("a", { href: to, title: title ? decode(title) : to, target: "_blank", rel: "noopener noreferrer nofollow" }, children);
}

function image(token) {
  if (token.own) return shape("img", { src: token.own, alt: token.text, loading: "lazy" });
  if (/^data:image\/(png|jpeg|gif|webp);base64,[\w+/=]+$/.test(token.href)) {
    return shape("img", { src: token.href, alt: token.text, loading: "lazy" });
  }
  return leading(token.href, token.title, () => [`🖼 ${token.text || "picture"}`]);
}

function decode(text) {
  return text.replace(/&(#\d{1,7}|#[xX][\da-fA-F]{1,6}|\w{2,8});/g, (all, name) => {
    if (name[0] !== "#") return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : all;
    const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    return code && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}
