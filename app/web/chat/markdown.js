/**
 * Markdown that grows: rendered as it arrives, and what stands is not touched again.
 *
 * `marked` reads, this module builds the elements itself: no text ever becomes markup, a link leads to http, https or
 * mailto, and a picture is shown only if it is part of the text (a model could tell a stranger's server who reads what).
 * The text from the last finished block on is read anew with each frame, and only what differs is changed.
 */

import { Lexer } from "/vendor/marked.js";
import { h, icon } from "/chat/dom.js";
import { forget, paint } from "/chat/highlight.js";
import { complete, fence } from "/chat/partial.js";

const OPTIONS = { gfm: true, breaks: true };
const SLICE = 2048;
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
  /** How many of the root's children are finished, and the text behind them. */
  #finished = 0;
  #open = "";
  #waiting = "";
  #whole = "";
  #ended = false;
  #notBefore = 0;

  /** @param {HTMLElement} root an empty element */
  constructor(root) {
    this.#root = root;
  }

  get text() {
    return this.#whole;
  }

  write(text) {
    this.#waiting += text.replaceAll("\r\n", "\n");
    this.#whole += text;
  }

  /** No more text comes. */
  end() {
    this.#ended = true;
  }

  /** Draws until all is drawn or the time is over; true if there is more to draw. */
  draw(deadline) {
    if (performance.now() < this.#notBefore && !this.#ended) return true;
    for (;;) {
      const start = performance.now();
      const size = Math.max(SLICE, this.#open.length >> 1);
      this.#open += this.#waiting.slice(0, size);
      this.#waiting = this.#waiting.slice(size);
      this.#show(this.#ended && !this.#waiting);
      const now = performance.now();
      if (!this.#waiting) {
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
      this.#finish();
      const text = last ? this.#open : complete(this.#open);
      this.#put(blocks(Lexer.lex(text, OPTIONS)));
      // What a later definition says about an earlier link is seen only by reading all of it again.
      if (last && /^ {0,3}\[[^\]\n]+\]:/m.test(this.#whole)) {
        this.#finished = 0;
        this.#put(blocks(Lexer.lex(this.#whole, OPTIONS)));
      }
    } catch (error) {
      // Nested beyond what can be read, say: then it is shown as it is.
      console.warn("markdown:", error.name);
      this.#put([h("p", { class: "plain" }, this.#open)]);
    }
  }

  /** All blocks but the last are finished once a whole line follows them. */
  #finish() {
    const lines = this.#open.slice(0, this.#open.lastIndexOf("\n") + 1);
    if (!lines) return;
    const tokens = Lexer.lex(lines, OPTIONS);
    let last = tokens.length - 1;
    while (last > 0 && tokens[last].type === "space") last--;
    const done = tokens.slice(0, Math.max(last, 0));
    if (!done.some((token) => token.type !== "space")) return;
    this.#put(blocks(done), false);
    this.#finished += done.filter(isShown).length;
    this.#open = this.#open.slice(done.reduce((length, token) => length + token.raw.length, 0));
  }

  #put(nodes, all = true) {
    reconcile(this.#root, nodes, this.#finished, all);
  }
}

const isShown = (token) => token.type !== "space" && token.type !== "def";

function blocks(tokens) {
  return tokens.filter(isShown).map(block);
}

function block(token) {
  switch (token.type) {
    case "heading":
      // The page has headings of its own above these.
      return h(`h${Math.min(token.depth + 2, 6)}`, { class: `level-${token.depth}` }, inlines(token.tokens));
    case "paragraph":
      return h("p", {}, inlines(token.tokens));
    case "code":
      return codeBlock((token.lang ?? "").trim().split(/\s/)[0], token.text);
    case "blockquote":
      return h("blockquote", {}, blocks(token.tokens));
    case "list":
      return h(token.ordered ? "ol" : "ul", { start: token.start > 1 ? token.start : null }, token.items.map(item));
    case "table":
      return table(token);
    case "hr":
      return h("hr");
    case "html":
      return h("p", { class: "plain" }, token.raw.trimEnd());
    default:
      return h("p", {}, token.tokens ? inlines(token.tokens) : decode(token.text ?? token.raw));
  }
}

function item(token) {
  // A tight item's text stands in it without a paragraph.
  const children = token.tokens.filter(isShown).map((child) => {
    if (child.type === "checkbox") return checkbox(child);
    return child.type === "text" && !token.loose ? (child.tokens ? inlines(child.tokens) : decode(child.text)) : block(child);
  });
  return h("li", { class: token.task ? "task" : null }, children);
}

function checkbox(token) {
  return h("input", { type: "checkbox", disabled: true, checked: token.checked, "aria-label": token.checked ? "done" : "to do" });
}

function table(token) {
  const row = (cells, name) => h("tr", {}, cells.map((cell) => h(name, { class: cell.align ? `align-${cell.align}` : null }, inlines(cell.tokens))));
  const rows = token.rows.map((cells) => row(cells, "td"));
  return h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", {}, h("thead", {}, row(token.header, "th")), h("tbody", {}, rows)));
}

/** With a bar that names the language and copies; clicks on it are the log's to hear. */
function codeBlock(language, text) {
  const name = /^[\w+#.-]{1,20}$/.test(language) ? language : "";
  return h("figure", { class: "code" },
    h("figcaption", {}, h("span", {}, name || "text"),
      h("button", { type: "button", class: "quiet copy-code", "aria-label": "Copy code", title: "Copy code" }, icon("copy"))),
    h("pre", { tabindex: "0", role: "region", "aria-label": name ? `Code, ${name}` : "Code" }, h("code", { "data-language": name }, text)));
}

function inlines(tokens) {
  return tokens.map(inline);
}

function inline(token) {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return h(token.type, {}, inlines(token.tokens));
    case "codespan":
      return h("code", {}, token.text);
    case "br":
      return h("br");
    case "link":
      return link(token.href, token.title, token.autolink ? token.text : inlines(token.tokens));
    case "image":
      return image(token);
    case "checkbox":
      return checkbox(token);
    case "html":
      return /^<br\s*\/?>$/i.test(token.raw) ? h("br") : token.raw;
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

export function link(href, title, content) {
  const to = destination(href);
  if (to === null) return h("span", { class: "nolink", title: "This link leads nowhere that is safe" }, content);
  return h("a", { href: to, title: title ? decode(title) : to, target: "_blank", rel: "noopener noreferrer nofollow" }, content);
}

function image(token) {
  if (/^data:image\/(png|jpeg|gif|webp);base64,[\w+/=]+$/.test(token.href)) {
    return h("img", { src: token.href, alt: token.text, loading: "lazy" });
  }
  return link(token.href, token.title, `🖼 ${token.text || "picture"}`);
}

function decode(text) {
  return text.replace(/&(#\d{1,7}|#[xX][\da-fA-F]{1,6}|\w{2,8});/g, (all, name) => {
    if (name[0] !== "#") return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : all;
    const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    return code && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}

/** Makes a parent's children from `from` on the given ones, by changing only what differs. */
function reconcile(parent, nodes, from, all = true) {
  let old = parent.childNodes[from] ?? null;
  for (const made of nodes) {
    const node = typeof made === "string" ? document.createTextNode(made) : made;
    if (old === null) {
      parent.append(node);
      painted(node);
    } else {
      const next = old.nextSibling;
      morph(old, node);
      old = next;
    }
  }
  while (all && old !== null) {
    const next = old.nextSibling;
    if (old.nodeType === Node.ELEMENT_NODE) forget(old);
    old.remove();
    old = next;
  }
}

function morph(old, made) {
  if (old.nodeName !== made.nodeName) {
    if (old.nodeType === Node.ELEMENT_NODE) forget(old);
    old.replaceWith(made);
    painted(made);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data === made.data) return;
    if (made.data.startsWith(old.data)) old.appendData(made.data.slice(old.data.length));
    else old.data = made.data;
    if (old.parentNode.dataset?.language !== undefined) paint(old.parentNode);
    return;
  }
  if (old.classList.contains("copy-code")) return;
  for (const { name } of [...old.attributes]) if (!made.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of made.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  reconcile(old, [...made.childNodes], 0);
  if (old.dataset.language !== undefined) paint(old);
}

function painted(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  for (const code of node.querySelectorAll("code[data-language]")) paint(code);
}
