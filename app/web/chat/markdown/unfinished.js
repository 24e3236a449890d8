/**
 * Markdown that is still being written, made whole for the moment. Pure.
 *
 * What is open is closed and what may yet become something else is held back, so that a line does not first show its
 * asterisks and then lose them. It decides only what is seen for some frames: in the end the text is read as it is.
 */

/** Stands at the end of a text in which a formula is open; what is read holds none of its own. */
export const GROWS = "\u0003";

const FENCE = /^ {0,3}(`{3,}|~{3,})([^\n]*)(\n|$)/;

/** The code that a text beginning with an open fence holds so far, or null: `{ language, code, closed }`. */
export function fence(text) {
  const opening = FENCE.exec(text);
  if (!opening) return null;
  const [all, marks, info] = opening;
  if (marks[0] === "`" && info.includes("`")) return null;
  const body = text.slice(all.length);
  const closing = new RegExp(`(^|\\n) {0,3}${marks[0] === "`" ? "`" : "~"}{${marks.length},}[ \\t]*(\\n|$)`);
  // Marks at the very end may become the closing ones.
  const code = body.replace(/(^|\n) {0,3}[`~]*$/, "");
  return { language: info.trim().split(/\s/)[0], code, closed: closing.test(body) };
}

/** The text to show while `text` grows at its end. `rare`: what knows formulas and elements, null for nobody. */
export function complete(text, rare = null) {
  const block = text.lastIndexOf("\n\n") + 1;
  if (/^\s*\|/.test(text.slice(block)) && !/\n[^\n]+\n/.test(text.slice(block))) return text.slice(0, block); // a table?
  let from = Math.max(block, lastOpening(text));
  if (rare?.growing) {
    const [open, done] = rare.growing(text.slice(block), from - block);
    if (open >= 0) return text + GROWS + unclosed(rare.masked(text.slice(from, block + open)), true);
    from = block + done;
  }
  let last = text.slice(from);
  // A lone line of these would make a heading of the line before it.
  last = last.replace(/(^|\n)[ \t]*(-+|=+)[ \t]*$/, "");
  last = last.replace(/!?\[([^\]\n]*)\]\([^)\n]*$/, "$1");
  last = last.replace(/(^|[^\\])[*_~`]{1,3}$/, "$1");
  if (rare) last = last.replace(/<\/?(k(bd?)?|su?|su[bp])?$/i, "").replace(/(^|[^\\])\\$/, "$1");
  const end = last.trimEnd();
  return text.slice(0, from) + end + unclosed(rare?.masked?.(last) ?? last, rare !== null) + last.slice(end.length);
}

/** Where the last line begins that begins something: an item, a heading, a row. No emphasis reaches over it. */
function lastOpening(text) {
  for (let at = text.length; at > 0; ) {
    const start = text.lastIndexOf("\n", at - 1) + 1;
    if (/^[ \t]*([-*+]|\d{1,9}[.)]|#{1,6}|>|\|)([ \t]|$)/.test(text.slice(start, start + 80))) return start;
    at = start - 1;
  }
  return 0;
}

/** The marks that would close what is open in a paragraph. */
function unclosed(text, elements) {
  const open = [];
  for (let at = 0; at < text.length; at++) {
    const mark = text[at];
    if (mark === "\\") at++;
    else if (mark === "`") {
      const run = /^`+/.exec(text.slice(at))[0];
      const close = text.indexOf(run, at + run.length);
      if (close < 0) return [...open, run].reverse().join("");
      at = close + run.length - 1;
    } else if (mark === "<" && elements) {
      const [, closes, name] = /^<(\/?)(kbd|su[bp])>/i.exec(text.slice(at, at + 6)) ?? [];
      if (closes && open.at(-1) === `</${name}>`) open.pop();
      else if (name && !closes) open.push(`</${name}>`);
    } else if (mark === "*" || mark === "_" || mark === "~") {
      let length = 1;
      while (text[at + length] === mark && length < 3) length++;
      const run = mark.repeat(length);
      const [before, after] = [text[at - 1] ?? " ", text[at + length] ?? " "];
      const opens = /\S/.test(after) && (mark !== "_" || !/\w/.test(before)) && (mark !== "~" || length === 2);
      const top = open.at(-1);
      if (/\S/.test(before) && top === run) open.pop();
      else if (/\S/.test(before) && length === 3 && open.at(-1)?.[0] === mark && open.at(-2)?.[0] === mark) open.length -= 2;
      else if (opens) open.push(run);
      at += length - 1;
    }
  }
  return open.reverse().join("");
}
