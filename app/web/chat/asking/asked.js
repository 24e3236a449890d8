/** A message of the user's: what was said, its files, and its tools. The rule: it shows what was said as it was typed. */

import { copy, h, icon, iconButton } from "/chat/dom.js";
import { textOf, when } from "/chat/words.js";

/**
 * The element of a message.
 * @param {object} entry of `Messages`: `{ message, … }`
 * @param {object} does `now()`, `change(entry)`
 */
export function asked(entry, does) {
  const { message } = entry;
  const element = h("article", { class: "message user", "data-id": message.id, "aria-label": "You" });
  if (message.continues) element.hidden = true;
  const blocks = typeof message.content === "string" ? [{ type: "text", text: message.content }] : (message.content ?? []);
  const files = blocks.filter((block) => block.type !== "text").map(attachment);
  element.append(
    h("div", { class: "bubble" },
      files.length ? h("div", { class: "files" }, files) : null,
      said(blocks.filter((block) => block.type === "text").map((block) => block.text).join("\n\n"))),
    h("div", { class: "tools" },
      h("time", { datetime: message.created_at }, when(message.created_at, does.now())),
      iconButton("copy", "Copy message", (event) => copy(textOf(message.content), event.currentTarget)),
      iconButton("edit", "Edit message", () => does.change(entry))));
  return element;
}

/** What is longer, in letters or in lines, shows its beginning first. */
const LONG = 2000;
const MANY = 20;

/** The text of a message; a long one with a button that shows all of it. */
function said(text) {
  const shown = h("p", { class: "plain", dir: "auto" }, text);
  if (text.length < LONG && text.split("\n").length < MANY) return shown;
  const button = h("button", {
    type: "button", class: "quiet unfold", "aria-expanded": "false",
    onclick: () => {
      const folded = shown.classList.toggle("long");
      button.textContent = folded ? "Show all" : "Show less";
      button.setAttribute("aria-expanded", !folded);
    },
  }, "Show all"); // prettier-ignore
  shown.classList.add("long");
  return [shown, button];
}

/** A picture, a text that can be opened, or the name of what kind of file it is. */
export function attachment(block) {
  const source = block.source ?? {};
  if (block.type === "image" && source.type === "base64" && /^image\/(png|jpeg|gif|webp)$/.test(source.media_type)) {
    return h("img", { src: `data:${source.media_type};base64,${source.data}`, alt: "Attached picture" });
  }
  const name = [icon("attach"), block.title ?? (block.type === "document" ? "PDF" : block.type)];
  if (source.type !== "text") return h("span", { class: "file" }, name);
  const text = h("div", { class: "folded" });
  return h("details", { ontoggle: () => (text.textContent = source.data) }, h("summary", { class: "file" }, name), text);
}
