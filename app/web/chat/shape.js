/**
 * What elements are to be, as values, and elements that become it. The rule: what looks the same is not touched, and of
 * what has grown only the end is.
 */

import { h } from "/chat/dom.js";
import { forget, paint } from "/chat/highlight.js";

/**
 * What an element is to be. `children()` gives shapes, strings, and functions that make an element which stays as it is.
 * The text that it was read from may be its key: what has the key of what stands there already looks the same, and is not
 * looked into.
 * @typedef {{ name: string, attributes: object, children: () => any[], key: string | null }} Shape
 */

/** @returns {Shape} */
export function shape(name, attributes = {}, children = () => [], key = null) {
  return { name, attributes, children, key };
}

/** What is within it, made when it is first needed. */
function within(made) {
  return (made.within ??= made.children().flat(Infinity).filter((child) => child !== ""));
}

/** @param {Shape | string | Function} made @returns {Node} */
export function build(made) {
  if (typeof made === "string") return document.createTextNode(made);
  if (typeof made === "function") return made();
  return h(made.name, made.attributes, within(made).map(build));
}

/**
 * Makes a parent's children from number `from` on, which look like `before`, look like `after`; gives what they look like
 * then. `same`: what has equal keys is the same.
 * @param {Element} parent @param {number} from @param {Shape[]} before @param {Shape[]} after @param {boolean} same
 */
export function reconcile(parent, from, before, after, same) {
  let node = parent.childNodes[from] ?? null;
  const now = after.map((made, index) => {
    if (node === null) {
      put(made, (built) => parent.append(built));
      return made;
    }
    const next = node.nextSibling;
    const standing = change(node, before[index], made, same);
    node = next;
    return standing;
  });
  while (node !== null) {
    const next = node.nextSibling;
    leave(node);
    node.remove();
    node = next;
  }
  return now;
}

function change(node, before, after, same) {
  if (before === after) return after;
  if (before === undefined || before.name !== after.name) {
    leave(node);
    put(after, (built) => node.replaceWith(built));
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

/** As `reconcile`, where nobody knows what the children look like. */
export function again(parent, shapes) {
  const old = [...parent.childNodes];
  shapes.forEach((made, index) => {
    const node = old[index];
    if (node === undefined) return put(made, (built) => parent.append(built));
    const built = build(made);
    if (node.isEqualNode(built)) return;
    leave(node);
    put(() => built, () => node.replaceWith(built));
  });
  for (const node of old.slice(shapes.length)) {
    leave(node);
    node.remove();
  }
}

function put(made, place) {
  const built = build(made);
  place(built);
  if (built.nodeType !== Node.ELEMENT_NODE) return;
  for (const code of built.querySelectorAll("code[data-language]")) paint(code);
}

function leave(node) {
  if (node.nodeType === Node.ELEMENT_NODE) forget(node);
}

function attribute(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}
