/**
 * What few answers have, fetched when one does: formulas, notes at the foot, three kinds of HTML's elements, and the names of
 * letters. Rules for `marked`, and the shapes of what they found.
 *
 * The rule: in doubt it is text. A price is no formula, and what is shown differently must be unmistakable in what has
 * come so far: a formula that is not yet closed is its source.
 */

import { named } from "/chat/markdown/links.js";
import { formula as drawn } from "/chat/markdown/math.js";
import { shape } from "/chat/markdown/shape.js";
import { GROWS } from "/chat/markdown/unfinished.js";
import { Tokenizer } from "/vendor/marked.js";

Object.assign(named, {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", reg: "®", trade: "™", hellip: "…",
  mdash: "—", ndash: "–", lsquo: "‘", rsquo: "’", ldquo: "“", rdquo: "”", bull: "•", middot: "·", times: "×", divide: "÷",
  larr: "←", uarr: "↑", rarr: "→", darr: "↓", harr: "↔", le: "≤", ge: "≥", ne: "≠", asymp: "≈", plusmn: "±", deg: "°",
  euro: "€", pound: "£", yen: "¥", cent: "¢", sect: "§", para: "¶", laquo: "«", raquo: "»", infin: "∞", micro: "µ",
}); // prettier-ignore

/** A longer formula is its source. */
const LONGEST = 4000;
const KINDS = {
  $: { closing: "$", body: /^(?:[^\\$`\u0003]|\\[^\u0003]|\\(?=\u0003))*/ },
  $$: { closing: "$$", body: /^(?:[^\\$\u0003]|\\[^\u0003]|\\(?=\u0003)|\$(?!\$))*/, display: true },
  "\\(": { closing: "\\)", body: /^(?:[^\\\u0003]|\\[^)\u0003]|\\(?=\u0003))*/ },
  "\\[": { closing: "\\]", body: /^(?:[^\\\u0003]|\\[^\]\u0003]|\\(?=\u0003))*/, display: true },
};
const WORD = "\\p{L}{2,}";
/** Two words one after the other, or a number and a word. */
const PROSE = new RegExp(`${WORD}[,;:.]?\\s+${WORD}|^\\s*\\d[\\d.,]*[\\s(]*${WORD}`, "u");
/** Commands with what they may be given: words are at home there. */
const COMMAND = /\\(?:[a-zA-Z]+\*?(?:\s*\{[^{}]*\}?)?|[^])/g;

/**
 * The formula that begins at a place of a text: `{ tex, source, display, open }`, or null.
 * @param {string} before what stands right before it
 */
function formula(text, at, before) {
  const opening = text[at] !== "$" ? text.slice(at, at + 2) : text[at + 1] === "$" ? "$$" : "$";
  const kind = Object.hasOwn(KINDS, opening) ? KINDS[opening] : null;
  if (!kind || (opening[0] === "$" && /[\p{L}\p{N}_$\\]$/u.test(before))) return null;
  const rest = text.slice(at + opening.length, at + LONGEST);
  const tex = kind.body.exec(rest)[0];
  const behind = rest.slice(tex.length);
  const open = behind[0] === GROWS;
  if (!open && !behind.startsWith(kind.closing)) return null;
  if (/\n[ \t]*\n/.test(tex)) return null;
  if (opening === "$" && /^\s/.test(tex)) return null;
  if (opening === "$$" && /^[$.,;:!?)\]–-]/.test(tex)) return null;
  if (opening !== "\\[" && opening !== "$$" && PROSE.test(tex.replace(COMMAND, " "))) return null;
  if (!open) {
    const next = behind.slice(kind.closing.length);
    if (!/[\p{L}\p{N}\\+=<>]/u.test(tex) || (opening[0] === "\\" && /^\s*\p{L}{4,}[\s.]*$/u.test(tex))) return null;
    if (opening === "$" && (/\s$/.test(tex) || /^[\d$]/.test(next) || (/^[A-Z_]{2}/.test(tex) && /^\w/.test(next)))) return null;
    if (opening === "$$" && next[0] === "$") return null;
    if (opening === "\\[" && (PROSE.test(tex.replace(COMMAND, " ")) || next[0] === "(")) return null;
  }
  const source = opening + tex + (open ? "" : kind.closing);
  return { type: "formula", tex, source, display: Boolean(kind.display), open };
}

/** All formulas of a paragraph, in their order, each with the place `at` which it begins; code hides what is in it. */
function formulas(text) {
  const found = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "`") {
      const run = /^`+/.exec(text.slice(at))[0];
      const end = text.indexOf(run, at + run.length);
      at = (end < 0 ? at : end) + run.length - 1;
    } else if (text[at] === "$" || text[at] === "\\") {
      const made = formula(text, at, text.slice(Math.max(0, at - 2), at));
      if (made) found.push({ ...made, at });
      at += (made ? made.source.length : text[at] === "\\" ? 2 : 1) - 1;
    }
  }
  return found;
}

/** A paragraph in which no sign of a formula is one of Markdown's; of the same length. */
export function masked(text) {
  let shown = text;
  for (const { at, source } of formulas(text)) shown = shown.slice(0, at) + "a".repeat(source.length) + shown.slice(at + source.length);
  return shown;
}

const BLOCK = /(^|\n) {0,3}(?:\$\$|\\\[)/g;

/**
 * What a paragraph that grows has of formulas: where one begins that is not closed yet, -1 for nowhere, and where the last
 * of those ends that have their lines for themselves. `from` is where its last item or row begins.
 */
export function growing(paragraph, from) {
  let read = 0;
  for (const { index, 0: found } of paragraph.matchAll(BLOCK)) {
    const at = index + found.length - 2;
    const made = at < read ? null : formula(paragraph + GROWS, at, "");
    if (made?.open) return [at, at];
    if (made) read = at + made.source.length;
  }
  const done = Math.max(from, read);
  const end = formulas(paragraph.slice(done) + GROWS).at(-1);
  return [end?.open ? done + end.at : -1, done];
}

const NOTE = /^ {0,3}\[\^([^\]\s^]{1,40})\]:[ \t]*([^\n]*(?:\n[ \t]+\S[^\n]*)*)(?:\n|$)/;

const block = {
  /** A formula that has its lines for itself. */
  formula(text) {
    const lead = /^ {0,3}(?=\$\$|\\\[)/.exec(text)?.[0];
    const made = lead === undefined ? null : formula(text, lead.length, "");
    if (!made?.display) return undefined;
    const at = lead.length + made.source.length;
    if (made.open) return { ...made, raw: text, alone: true, unsure: true };
    const rest = /^[ \t]*([.,;:]?)[ \t]*(\n|$)/.exec(text.slice(at));
    // Without the line's end nobody knows what is to follow it there.
    return rest ? { ...made, raw: text.slice(0, at) + rest[0], after: rest[1], alone: true, unsure: !rest[2] } : undefined;
  },
  note(text) {
    const found = NOTE.exec(text);
    if (!found) return undefined;
    const token = { type: "note", raw: found[0], label: found[1], text: found[2], tokens: [] };
    this.lexer.inline(found[2].replace(/\n[ \t]+/g, "\n"), token.tokens);
    return token;
  },
};

const inline = {
  formula(text, tokens) {
    const made = text[0] === "$" || text[0] === "\\" ? formula(text, 0, tokens.at(-1)?.raw ?? "") : null;
    return made ? { ...made, raw: made.source + (made.open ? GROWS : "") } : undefined;
  },
  noted(text) {
    const found = /^\[\^([^\]\s^]{1,40})\](?!\()/.exec(text);
    if (!found || !(/^\d{1,3}$/.test(found[1]) || this.lexer.options.notes?.has(found[1]))) return undefined;
    return { type: "noted", raw: found[0], label: found[1] };
  },
  element(text) {
    const name = /^<(kbd|su[bp])>/i.exec(text)?.[1];
    const end = name ? text.slice(0, LONGEST).toLowerCase().indexOf(`</${name.toLowerCase()}>`) : -1;
    if (end < 0) return undefined;
    const within = text.slice(name.length + 2, end);
    return { type: "element", raw: text.slice(0, end + name.length + 3), name: name.toLowerCase(), tokens: this.lexer.inlineTokens(within) };
  },
};

/** Where, behind the beginning, a line of a text begins a formula or a note of its own; the text's length: nowhere. */
function interrupted(text, length) {
  for (const { index } of text.slice(0, length).matchAll(/\n(?= {0,3}(?:\$\$|\\\[|\[\^))/g)) {
    const rest = text.slice(index + 1);
    if (block.formula(rest) || NOTE.test(rest)) return index + 1;
  }
  return length;
}

/** What of a paragraph, and of a heading that is underlined, is text: marked's own way to cut one depends on what follows. */
class Reading extends Tokenizer {
  paragraph(text) {
    const found = this.rules.block.paragraph.exec(text);
    if (!found) return undefined;
    const raw = text.slice(0, interrupted(text, found[0].length));
    const shown = raw.replace(/\n$/, "");
    return { type: "paragraph", raw, text: shown, tokens: this.lexer.inline(shown) };
  }

  lheading(text) {
    const found = this.rules.block.lheading.exec(text);
    return found && interrupted(text, found[0].length) === found[0].length ? super.lheading(text) : undefined;
  }
}

/** What `marked` is to know besides its own. */
export const rules = {
  tokenizer: new Reading(),
  extensions: {
    block: Object.values(block),
    inline: Object.values(inline),
    startInline: [(text) => text.search(/\$|\\[([]|\[\^|<(?:kbd|su[bp])>/i)],
    childTokens: {},
  },
  hooks: { emStrongMask: masked },
};

/** What is named at the foot of a text. */
export const notes = (text) => new Set([...text.matchAll(/^ {0,3}\[\^([^\]\s^]{1,40})\]:/gm)].map((found) => found[1]));

/** The shape of what one of the rules found; undefined: it was none of them. `inlines` makes those of what is in it. */
export function shaped(token, inlines) {
  switch (token.type) {
    case "formula":
      if (!token.alone) return token.open ? token.source : drawn(token);
      return shape("div", { class: "formula" }, () => (token.open ? [token.source] : [drawn(token), token.after]));
    case "note":
      return shape("p", { class: "foot", "data-note": token.label, tabindex: "-1" }, () => [shape("sup", {}, () => [token.label]), " ", ...inlines(token.tokens)]);
    case "noted":
      return shape("sup", {}, () => [
        shape("button", { type: "button", class: "noted", "data-noted": token.label, "aria-label": `Note ${token.label}` }, () => [token.label]),
      ]);
    case "element":
      return shape(token.name, {}, () => inlines(token.tokens));
    default:
      return undefined;
  }
}

addEventListener("click", ({ target }) => {
  const label = target.closest?.(".noted")?.dataset.noted;
  const note = label && target.closest(".markdown")?.querySelector(`[data-note="${CSS.escape(label)}"]`);
  note?.scrollIntoView({ block: "nearest" });
  note?.focus({ preventScroll: true });
});
