/** The palette: chats and commands by their names, and what the keys are. It is loaded when it is opened. */

import { h } from "/chat/dom.js";
import { isMac, keyOf } from "/chat/keys.js";
import { look as dress } from "/chat/composing/look.js";
import { finder } from "/chat/list/finding.js";
import { nameOf } from "/chat/sidebar.js";

const SHOWN = 30;
const $ = (selector) => document.querySelector(selector);
const phone = matchMedia("(max-width: 48rem)");

/** What one can do: `code` is a letter's key, wherever it is on a keyboard. */
const COMMANDS = [
  { name: "Search chats and commands", key: "k", run: open },
  { name: "New chat", code: "KeyN", run: ({ begin }) => begin() },
  { name: "Search chats", code: "KeyF", run: ({ drawer }) => (sidebar(drawer, true), $("#search").focus()) },
  { name: "Go to the message box", code: "KeyM", run: () => $("#message").focus() },
  { name: "Toggle sidebar", code: "KeyS", run: ({ drawer }) => sidebar(drawer, getComputedStyle($("#sidebar")).visibility === "hidden" || !$("#sidebar").offsetWidth) },
  { name: "Copy last answer", code: "KeyC", run: () => [...document.querySelectorAll("#log .assistant > .tools > [aria-label^=Copy]")].at(-1)?.click() },
  { name: "Settings", run: ({ settings }) => settings() },
  { name: "Keyboard shortcuts", key: "/", run: help },
];

/** Does what the keys of this name are for. */
export function run(name, page) {
  COMMANDS.find(({ key, code }) => name === (code ?? key)).run(page);
}

/** Shows the sidebar, or puts it away: on a wide screen beside the conversation, on a phone over it. */
function sidebar(drawer, seen) {
  if (!phone.matches) document.body.classList.toggle("sidebar-closed", !seen);
  drawer(phone.matches && seen);
}

/** How a command's keys are called. */
function keysOf({ code, key }) {
  if (code) return (isMac ? "⌃⇧" : "Alt+Shift+") + code.slice(-1);
  return key ? (isMac ? "⌘" : "Ctrl+") + key.toUpperCase() : "";
}

/**
 * @param {object} page
 * @param {import("/keepstream.js").Keepstream} page.client
 * @param {import("/chat/sidebar.js").Sidebar} page.list
 * @param {(id: string, message?: string) => void} page.go
 */
async function open(page) {
  await dress();
  const { client, list: { rows }, go } = page;
  const commands = COMMANDS.slice(1);
  const look = finder(client);
  const box = h("input", { type: "text", role: "combobox", "aria-label": "Search chats and commands", "aria-expanded": "true",
    "aria-controls": "palette-list", "aria-autocomplete": "list", placeholder: "Search chats and commands", autocomplete: "off" });
  const list = h("ul", { id: "palette-list", role: "listbox", "aria-label": "Chats and commands" });
  const dialog = h("dialog", { class: "palette", "aria-label": "Search chats and commands", onclose: () => {
    look("");
    dialog.remove();
  } }, box, list);
  let [options, at] = [[], 0];

  const pick = (n) => {
    at = Math.max(0, Math.min(n, options.length - 1));
    [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === at)));
    if (options.length) box.setAttribute("aria-activedescendant", `option-${at}`);
    else box.removeAttribute("aria-activedescendant");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const choose = (n) => {
    const option = options[n];
    if (!option) return;
    dialog.close();
    option.run();
  };
  /** Where an answer comes, what was chosen stays so. */
  const show = (found) => {
    const chosen = found && options[at]?.id;
    const wanted = box.value.trim().toLowerCase();
    const known = found ?? rows.filter((row) => nameOf(row).toLowerCase().includes(wanted));
    options = [
      ...commands.filter(({ name }) => name.toLowerCase().includes(wanted)).map((one) => ({ id: one.name, name: one.name, note: keysOf(one), run: () => one.run(page) })),
      ...known.slice(0, SHOWN).map((row) => ({ id: row.id, name: nameOf(row), excerpt: row.excerpt, note: "Chat", run: () => go(row.id, row.match?.message_id) })),
    ];
    list.replaceChildren(...options.map(({ name, note, excerpt }, n) =>
      h("li", { role: "option", id: `option-${n}`, onclick: () => choose(n) }, h("span", { class: "title" }, name, excerpt && h("span", { class: "excerpt" }, excerpt)), h("kbd", {}, note))));
    if (!options.length) list.replaceChildren(h("li", { role: "option", "aria-disabled": "true", class: "note" }, "Nothing found."));
    pick(options.findIndex(({ id }) => id === chosen));
  };
  box.addEventListener("input", () => {
    show();
    // Where nothing is found, what is known stays.
    look(box.value.trim(), (found) => show(found.rows), () => {});
  });
  box.addEventListener("keydown", (event) => {
    const to = { ArrowDown: () => pick(at + 1), ArrowUp: () => pick(at - 1), Enter: () => choose(at) }[keyOf(event)];
    if (!to) return;
    event.preventDefault();
    to();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  show();
  box.focus();
}

/** Says what the keys are. */
async function help() {
  await dress();
  const more = [["In the list", "↑ ↓ F2 Delete"], ["Send the message", "Enter"], ["Start a new line", "Shift+Enter"], ["Stop the answer", "Esc"]];
  const rows = [...COMMANDS.map((one) => [one.name, keysOf(one)]).filter(([, keys]) => keys), ...more];
  const dialog = h("dialog", { class: "small keys", "aria-label": "Keyboard shortcuts", onclose: () => dialog.remove() },
    h("form", { method: "dialog" }, h("h2", {}, "Keyboard shortcuts"),
      h("dl", {}, rows.map(([name, keys]) => h("div", {}, h("dt", {}, name), h("dd", {}, keys.split(" ").map((one) => h("kbd", {}, one)))))),
      h("div", { class: "row" }, h("button", { class: "primary", autofocus: true }, "Close"))));
  document.body.append(dialog);
  dialog.showModal();
}
