/**
 * Where a text leads to, and what its characters are called. The rule: a link leads to http, https or mailto, and nothing
 * is fetched for being shown.
 */

import { GROWS } from "/chat/markdown/unfinished.js";
import { build, shape } from "/chat/markdown/shape.js";

/** What is written by a name; `rare.js` knows the names. */
export const named = {};

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

/** The shape of one; to what is not safe none leads. */
export function leading(href, title, children) {
  const to = destination(href);
  if (to === null) return shape("span", { class: "nolink", title: "This link isn’t safe to open" }, children);
  return shape("a", { href: to, title: title ? decode(title) : to, target: "_blank", rel: "noopener noreferrer nofollow" }, children);
}

/** The shape of a picture: only what is part of the text is shown. */
export function image(token) {
  if (token.own) return shape("img", { src: token.own, alt: token.text, loading: "lazy" });
  if (/^data:image\/(png|jpeg|gif|webp);base64,[\w+/=]+$/.test(token.href)) {
    return shape("img", { src: token.href, alt: token.text, loading: "lazy" });
  }
  return leading(token.href, token.title, () => [`🖼 ${token.text || "picture"}`]);
}

/** A text whose characters may be written by their names. */
export function decode(text) {
  return text.replace(GROWS, "").replace(/&(#\d{1,7}|#[xX][\da-fA-F]{1,6}|\w{2,8});/g, (all, name) => {
    if (name[0] !== "#") return Object.hasOwn(named, name) ? named[name] : all;
    const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    return code && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}
