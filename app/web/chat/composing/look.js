/** The style sheet of what lies beside the box, and of what opens from it: loaded with the first of it. */

import { h } from "/chat/dom.js";

let loaded = null;

/** Resolves when it holds, or cannot be had. */
export function look() {
  loaded ??= new Promise((resolve) => {
    document.head.append(h("link", { rel: "stylesheet", href: "/composing.css", onload: resolve, onerror: resolve }));
  });
  return loaded;
}
