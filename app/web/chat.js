/**
 * The chat page: puts its parts together. Which conversation is open stands in the address behind the `#`, so that a
 * link, a reload and the back button lead to it.
 */

import { Announcer } from "/chat/answer/announce.js";
import { Composer } from "/chat/composing/composer.js";
import { forgetChat } from "/chat/composing/draft.js";
import { Model } from "/chat/composing/model.js";
import { Conversation } from "/chat/conversation.js";
import { watch } from "/chat/door/outdated.js";
import { h } from "/chat/dom.js";
import { keyOf, listen } from "/chat/keys.js";
import { Messages } from "/chat/messages.js";
import { warm } from "/chat/markdown/markdown.js";
import { Following } from "/chat/scroll.js";
import { Session } from "/chat/session.js";
import { Settings } from "/chat/settings.js";
import { json, Sidebar } from "/chat/sidebar.js";
import { trouble } from "/chat/words.js";
import { Keepstream } from "/keepstream.js";

const $ = (selector) => document.querySelector(selector);

// The newest of what the page uses: where it is, all is.
if (!("timeout" in AbortSignal)) await import("/chat/older.js");
const settings = new Settings();
const session = new Session({ signedIn: () => queueMicrotask(signedIn), oldKey: settings.oldKey });
/** The heading is out of the page while somebody writes another title in its place. */
const heading = $("#title");
/** How far the server's clock is ahead of this one. */
let ahead = 0;
const now = () => Date.now() + ahead;
const client = new Keepstream({
  fetch: async (...args) => {
    const answer = await session.fetch(...args);
    if (answer.headers.has("x-keepstream-simulated")) $("#simulated").hidden = false;
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (date && Math.abs(date - now()) > 5000) ahead = date - Date.now();
    return answer;
  },
});

let conversation = null;
const announce = new Announcer($("#announcer"));
const following = new Following($("#scroll"), $("#content"), $("#to-end"));

const messages = new Messages($("#log"), {
  now,
  regenerate: () => again({ regenerate: true }),
  continue: () => again({ continue: true }),
  edit: async (message, text) => {
    const files = Array.isArray(message.content) ? message.content.filter((block) => block.type !== "text") : [];
    const content = files.length ? [...files, { type: "text", text }] : text;
    return again({ content, after: messages.before(message.id) }, content);
  },
  edited: () => composer.focus(),
  fork: (id) => branch("fork", id),
  version: (id) => branch("version", id),
  rate: (stream, opinion) => client.request(`/v1/streams/${stream}/feedback`, json("POST", opinion)),
  trouble: (error) => composer.notice(trouble(error)),
});

/** Leads to a message of a chat that is opened for it, where somebody looked for one. */
let seeking = null;
const model = new Model(client, settings, (id) => conversation && describe({ model: id }),
  (error) => composer.notice(trouble(error)));
const composer = new Composer({
  send: (content, options) => send(content, options),
  limit: () => model.limit,
  last: () => messages.last ?? (conversation?.isKnown === false ? undefined : null),
  editLast: () => {
    const button = [...document.querySelectorAll("#log .user:not([hidden]) .tools [aria-label^=Edit]")].at(-1);
    button?.click();
    return Boolean(button);
  },
  stop: () => conversation?.stop().catch((error) => composer.notice(trouble(error))),
});

const sidebar = new Sidebar(client, {
  now,
  gone: (id) => {
    forgetChat(id);
    if (id === conversation?.id) go("");
  },
  renamed: (id, title) => {
    if (id !== conversation?.id || title === conversation.title) return;
    conversation.title = title;
    changed();
  },
  reveal,
  trouble: (error) => composer.notice(trouble(error)),
});

/** What a conversation tells the page. */
const page = {
  announce,
  changed,
  answered: (path) => {
    // The first answer says what it is about. Where no title comes of it, the first words are one.
    if (model.titles && messages.count === 2) client.request(`${path}/title`, { method: "POST" }).catch(() => {});
  },
  connection: (text) => {
    $("#connection").textContent = text ?? "";
    $("#connection").hidden = !text;
  },
  trouble: (error) => gone(error),
};

function changed() {
  const title = conversation?.title ?? "New chat";
  heading.textContent = title;
  document.title = `${conversation?.running ? "● " : ""}${conversation ? title : "Keepstream"}`;
  $("#menu").hidden = !conversation;
  $("#welcome").hidden = !messages.isEmpty || !$("#gone").hidden;
  composer.running = Boolean(conversation?.running);
  composer.seen((id) => messages.behind(id));
  model.at(conversation);
  $("#origin").hidden = !conversation?.origin;
  if (conversation?.origin) $("#origin").href = `#${conversation.origin.id}`;
  seeking?.look(conversation?.id);
  sidebar.refresh();
}

async function reveal(id, message) {
  if (!message && !seeking) return;
  const { Seeking } = await import("/chat/list/finding.js");
  seeking ??= new Seeking(messages, following);
  seeking.to(id, message, conversation?.id);
}

/** Opens what the address says. */
function open({ first = false } = {}) {
  const id = /^#(cv_[0-9a-f]{32})$/.exec(location.hash)?.[1] ?? null;
  if (!first && id === (conversation?.id ?? null) && !$("#gone").childElementCount) return;
  close();
  if (id !== null) start(id, false);
  else model.choose(settings.get("model"));
  composer.open(id ?? "new");
  changed();
  composer.focus();
  following.end();
}

function start(id, fresh) {
  conversation = new Conversation({ client, messages, page }, id);
  sidebar.current = id;
  conversation.follow({ fresh });
}

function close() {
  conversation?.close();
  conversation = null;
  sidebar.current = null;
  announce.drop();
  messages.clear();
  $("#gone").replaceChildren();
  $("#gone").hidden = true;
  narrow(false);
}

function go(id) {
  if (location.hash.slice(1) === id) open();
  else location.hash = id;
}

/** A conversation that cannot be shown: says so, and what one can do. What was typed stays in the box. */
function gone(error) {
  const other = error.status === 404 && session.isOpen;
  if (error.status !== 410) messages.clear(); // it may be another account's
  $("#gone").hidden = false;
  $("#gone").replaceChildren(h("p", {}, trouble(error)), h("div", { class: "row" },
    other ? h("button", { type: "button", onclick: signOut }, "Use another account") : null,
    h("a", { class: "button primary", href: "#", onclick: () => composer.carry() }, "New chat")));
  changed();
}

/** Says something, in a new conversation if none is open. Resolves when it was accepted. */
async function send(content, options) {
  following.end();
  session.wanted();
  const pending = messages.pending(content);
  $("#welcome").hidden = true;
  let begun = null;
  let note;
  try {
    if (!conversation) begun = await begin(options);
    note = await ask({ content }, pending, options);
  } catch (error) {
    pending.withdraw();
    if (begun !== null && begun === conversation) await abandon(begun);
    changed();
    throw error;
  }
  sidebar.changed();
  return note;
}

async function begin(options) {
  const body = { system: settings.get("system") || null, model: model.chosen || null };
  const made = await client.submit(body, { path: "/v1/conversations", ...options });
  for (const one of [composer, model]) one.rename(made.id);
  history.pushState(null, "", `#${made.id}`);
  start(made.id, true);
  Object.assign(conversation, { title: made.title, system: made.system, model: made.model });
  return conversation;
}

/** Has it answered, as it is set beside the model. Resolves to what is to be said of that, if anything. */
function ask(body, pending, options) {
  const open = conversation;
  return model.ask((fields) => open.send({ ...body, ...fields }, pending, options), pending);
}

/** A conversation whose first message was refused is not left behind; what was typed stays in the box. */
async function abandon(begun) {
  begun.close();
  conversation = null;
  sidebar.current = null;
  composer.rename("new");
  history.replaceState(null, "", "#");
  await client.request(begun.path, { method: "DELETE" }).catch(() => {});
  sidebar.changed();
}

/** Regenerate, continue, edit and resend: what the last answer's buttons do. */
const again = (body, content = null) => conversation.once(async (stays) => {
  if (composer.busy) {
    composer.notice("Claude is still answering. Wait until it’s done, or stop it first.");
    return false;
  }
  composer.notice(null);
  session.wanted();
  following.end();
  const onState = (state) => state === "waiting" && stays() && composer.notice(trouble({}));
  try {
    const note = await ask(body, content === null ? null : messages.later(content), { onState });
    if (stays()) composer.notice(note);
  } catch (error) {
    if (stays()) await composer.refused(error);
    return false;
  }
  return true;
});

/** Goes to another version of a message, or begins a branch: `version` or `fork`. False where it was refused. */
const branch = (name, id) => conversation.once(async (stays) => {
  const of = { client, conversation, sidebar, composer, announce, go: (id) => stays() && go(id) };
  try {
    return await (await import("/chat/asking/branching.js"))[name](id, of);
  } catch (error) {
    composer.notice(trouble(error));
    return false;
  }
});

async function describe(fields) {
  const open = conversation; // what is open when the answer comes may be another
  try {
    await client.request(open.path, json("PATCH", fields));
    Object.assign(open, fields);
  } catch (error) {
    composer.notice(trouble(error));
  }
}

// --- settings, menu, keys

function signOut() {
  session.signOut().catch((error) => composer.notice(error.message));
}

async function edit() {
  const open = conversation;
  try {
    const dialog = await import("/chat/menu/settings.js");
    const save = (system) => client.request(open.path, json("PATCH", { system })).then(() => (open.system = system));
    const of = { system: open ? open.system : undefined, save, limits: session.limits, now: now(), signOut: session.isOpen ? signOut : null };
    await dialog.edit(settings, of);
  } catch (error) {
    composer.notice(trouble(error));
  }
}

/** Whatever was refused for want of a key is shown now. */
function signedIn() {
  sidebar.refresh();
  if (!$("#gone").hidden) open();
  model.load();
}

$("#ideas").addEventListener("click", (event) => {
  const idea = event.target.closest("button");
  if (!idea || $("#message").value.trim()) return;
  $("#message").value = idea.textContent;
  $("#message").dispatchEvent(new Event("input"));
  $("#composer").requestSubmit();
});
$("#open-settings").addEventListener("click", edit);
$("#menu").addEventListener("click", async (event) => {
  const name = event.target.closest("[data-do]")?.dataset.do;
  if (!name) return;
  $("#menu").open = false;
  $("#menu summary").focus();
  try {
    const menu = await import("/chat/menu/doing.js");
    await menu.doing(name, { conversation, client, sidebar });
  } catch (error) {
    composer.notice(trouble(error));
  }
});

function narrow(opened) {
  document.body.classList.toggle("sidebar-open", opened);
  $("#open-sidebar").setAttribute("aria-expanded", String(opened));
}

$("#open-sidebar").addEventListener("click", () => {
  const { classList } = document.body;
  if (classList.contains("sidebar-closed")) return classList.remove("sidebar-closed");
  narrow(!classList.contains("sidebar-open"));
  if (classList.contains("sidebar-open")) $("#close-sidebar").focus();
});
for (const id of ["#close-sidebar", "#shade"]) $(id).addEventListener("click", () => narrow(false));
$("#conversations").addEventListener("click", (event) => event.target.closest("a") && narrow(false));
$("#new").addEventListener("click", (event) => {
  event.preventDefault();
  go("");
  composer.focus();
});
addEventListener("keydown", (event) => {
  if (keyOf(event) !== "Escape" || document.querySelector("dialog[open]")) return;
  if ($("#menu").open) return ($("#menu").open = false);
  if (document.body.classList.contains("sidebar-open")) return narrow(false);
  // In another field it is about what one does there.
  if (composer.busy && !event.target.closest?.("input, select, textarea:not(#message)")) composer.stop();
});
addEventListener("click", (event) => $("#menu").open && !event.target.closest("#menu") && ($("#menu").open = false));
listen({
  client, list: sidebar, drawer: narrow, settings: edit, trouble: (error) => composer.notice(trouble(error)),
  go: (id, message) => (reveal(id, message), go(id)),
  begin: () => (go(""), composer.focus()),
});
for (const name of ["hashchange", "popstate"]) addEventListener(name, () => open());

watch((...said) => composer.notice(...said), () => h("button", { type: "button", onclick: () => location.reload() }, "Reload"));
open({ first: true });
model.load();
warm();
document.documentElement.dataset.ready = "";
