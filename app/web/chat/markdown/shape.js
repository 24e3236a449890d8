/**
 * What elements are to be, as values, and elements that become it. The rule: what looks the same is not touched, and of
 * what has grown only the end is.
 */

import { h } from "/chat/dom.js";

/**
 * `children()` gives shapes, strings, and functions that make an element which stays as it is. What was read from the same
 * text as what stands there, its key, is not looked into.
 */
export function shape(name, attributes = {}, children = () => [], key = null) {
  return { name, attributes, children, key };
}

/** What is within it, made when it is first needed. */
function within(made) {
  return (made.within ??= made.children().flat(Infinity).filter((child) => child !== ""));
}

export function build(made) {
  if (typeof made === "string") return document.createTextNode(made);
  if (typeof made === "function") return made();
  return h(made.name, made.attributes, within(made).map(build));
}

/**
 * Makes a parent's children from number `from` on, which look like `before` as far as that is known, look like `after`;
 * gives what they look like then. `same`: what has equal keys is the same.
 */
export function reconcile(parent, from, before, after, same) {
  let node = parent.childNodes[from] ?? null;
  const now = after.map((made, index) => {
    if (node === null) {
      paintWithin(parent.appendChild(build(made)));
      return made;
    }
    const old = node;
    node = node.nextSibling;
    return change(old, before[index], made, same);
  });
  while (node !== null) {
    const old = node;
    node = node.nextSibling;
    leave(old);
    old.remove();
  }
  return now;
}

/** Makes one element look like a shape, whatever it looks like. */
export function revise(node, made) {
  change(node, undefined, made, false);
}

function change(node, before, after, same) {
  if (before === after) return after;
  if (before === undefined || typeof after === "function" || before.name !== after.name || before.attributes?.class !== after.attributes?.class) {
    const built = build(after);
    if (node.isEqualNode(built)) return after;
    leave(node);
    node.replaceWith(built);
    paintWithin(built);
  } else if (typeof after === "string") {
    if (after.startsWith(before)) node.appendData(after.slice(before.length));
    else node.data = after;
    if (node.parentNode.dataset.language !== undefined) paint(node.parentNode);
  } else {
    if (same && after.key !== null && before.key === after.key) return before;
    for (const name of Object.keys({ ...before.attributes, ...after.attributes })) {
      if (before.attributes[name] !== after.attributes[name]) attribute(node, name, after.attributes[name] ?? null);
    }
    after.within = reconcile(node, 0, within(before), within(after), same);
    if (node.dataset.language !== undefined) paint(node);
  }
  return after;
}

/** What colours code, fetched with the first that says its language. */
let colours = null;

function paint(code) {
  if (!code.dataset.language) return;
  colours ??= import("/chat/markdown/highlight.js").catch(() => null); // it is as well read in one colour
  colours.then((found) => found?.paint(code));
}

/** Lets go of the colours within an element that is taken away. */
export function forget(element) {
  if (!colours) return;
  const codes = [...element.querySelectorAll("code[data-language]")];
  colours.then((found) => codes.forEach((code) => found?.forget(code)));
}

function paintWithin(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  for (const code of node.querySelectorAll("code[data-language]")) paint(code);
}

function leave(node) {
  if (node.nodeType === Node.ELEMENT_NODE) forget(node);
}

function attribute(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}
