/** The list of conversations: search, rename, delete. The last used stands first. */

import { arrange, h, icon, iconButton } from "/chat/dom.js";
import { daysSince, trouble, when } from "/chat/words.js";

const PAGE = 50;
/** So many the server tells at once. */
const MOST = 100;

export class Sidebar {
  #client;
  #page;
  #list = document.querySelector("#conversations");
  #search = document.querySelector("#search");
  #more = document.querySelector("#more");
  #rows = [];
  /** So many are to be shown, and whether there are more. */
  #wanted = PAGE;
  #hasMore = false;
  #current = null;
  #tabs = new BroadcastChannel("keepstream.conversations");
  #loading = null;
  /** What is being loaded may be of before. */
  #stale = false;
  /** What a search has found, `{ rows, more }`; null where nobody looks for anything, or nothing came yet. */
  #found = null;
  #look = null;
  #does;

  /** @param {object} page `now()`, `gone(id)`, `renamed(id, title)`, `reveal(id, message)`, `trouble(error)` */
  constructor(client, page) {
    this.#client = client;
    this.#page = page;
    this.#does = { ...page, rename: (...of) => this.do("edit", ...of), ask: (...of) => this.do("ask", ...of) };
    document.querySelector("#sidebar").addEventListener("focusin", () => import("/chat/list/roaming.js").then(({ roam }) => roam(this.#list), () => {}), { once: true });
    this.#search.addEventListener("input", () => this.#searched());
    this.#more.addEventListener("click", () => {
      this.#wanted = this.#rows.length + PAGE;
      this.refresh();
    });
    this.#tabs.onmessage = () => this.#again();
    addEventListener("focus", () => this.refresh());
  }

  /** The chats that are known here. */
  get rows() {
    return this.#rows;
  }

  set current(id) {
    this.#current = id;
    this.#mark();
  }

  /** Something has changed here: tells the other tabs too. */
  changed() {
    this.#tabs.postMessage("changed");
    return this.#again();
  }

  /** What a search has found may be called otherwise now, or be gone. */
  #again() {
    if (this.#search.value.trim()) this.#searched(this.#found);
    this.#stale = true;
    return this.refresh();
  }

  refresh() {
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #load() {
    this.#stale = false;
    const rows = [];
    let more = true;
    try {
      for (let before = ""; more && rows.length < this.#wanted; ) {
        const limit = Math.min(MOST, this.#wanted - rows.length);
        const { data, has_more, last_id } = await (await this.#client.request(`/v1/conversations?limit=${limit}${before}`, { cache: "no-store" })).json();
        rows.push(...data);
        [more, before] = [has_more, `&before=${last_id}`];
      }
    } catch (error) {
      if (!this.#rows.length) this.#list.replaceChildren(h("li", { class: "note" }, trouble(error)));
      return;
    }
    const current = rows.find((row) => row.id === this.#current);
    if (current) this.#page.renamed(current.id, current.title);
    [this.#rows, this.#hasMore] = [rows, more];
    this.#show();
    if (this.#stale) await this.#load();
  }

  /** What is here of it is shown at once, and what the server finds as soon as nothing more is typed. */
  async #searched(found = null) {
    this.#found = found;
    this.#show();
    const trouble = (error) => this.#page.trouble(error);
    try {
      const { finder } = await import("/chat/list/finding.js");
      this.#look ??= finder(this.#client);
      this.#look(this.#search.value.trim(), (found) => {
        this.#found = found;
        this.#show();
      }, trouble);
    } catch (error) {
      trouble(error);
    }
  }

  #show() {
    const wanted = this.#search.value.trim().toLowerCase();
    const rows = this.#found?.rows ?? this.#rows.filter((row) => nameOf(row).toLowerCase().includes(wanted));
    const kept = new Map([...this.#list.children].map((row) => [row.dataset.id, row]));
    const items = [];
    let time = null;
    for (const row of rows) {
      const its = timeOf(row.updated_at, this.#page.now());
      if (!wanted && its !== time) items.push(kept.get(its) ?? h("li", { class: "time", "data-id": its }, h("h2", {}, its)));
      time = its;
      const key = `${nameOf(row)}|${row.updated_at}|${row.stream_id}|${row.match?.text ?? ""}`;
      const old = kept.get(row.id);
      items.push(old && (old.dataset.key === key || old.querySelector("input")) ? old : rowOf(row, key, this.#does));
    }
    const searches = wanted && (this.#found?.more ?? true);
    if (!rows.length) items.push(h("li", { class: "note" }, wanted ? (searches ? "Searching…" : "No chats found.") : "No chats yet."));
    const had = this.#list.contains(document.activeElement);
    arrange(this.#list, items);
    this.#more.hidden = !this.#hasMore || Boolean(wanted);
    this.#mark();
    if (had && document.activeElement === document.body) this.#list.querySelector('a[tabindex="0"]')?.focus();
  }

  #mark() {
    const links = [...this.#list.querySelectorAll("a")];
    for (const link of links) {
      if (link.parentElement.dataset.id === this.#current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    // Where the keyboard comes to the list.
    const stop = this.#list.querySelector("li:focus-within a") ?? this.#list.querySelector("[aria-current]") ?? links[0];
    for (const link of links) link.tabIndex = link === stop ? 0 : -1;
  }

  /** Does what `doing.js` calls so. */
  async do(name, ...of) {
    try {
      const doing = await import("/chat/list/doing.js");
      await doing[name]({ client: this.#client, changed: () => this.changed(), gone: this.#page.gone }, ...of);
    } catch (error) {
      this.#page.trouble(error);
    }
  }
}

export function json(method, body) {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** What the chats of a time stand under. */
function timeOf(iso, now) {
  const days = daysSince(iso, now);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days <= 7) return "Previous 7 days";
  if (days <= 30) return "Previous 30 days";
  const [at, today] = [iso, now].map((time) => new Date(time));
  return at.toLocaleDateString("en", { month: "long", year: at.getFullYear() === today.getFullYear() ? undefined : "numeric" });
}

/** The name of a chat: one that was branched off is told from what it comes from. */
export function nameOf({ title, forked_from: origin }) {
  return `${title ?? "New chat"}${origin ? " · branch" : ""}`;
}

/** @param {object} does `reveal(id, message)`, `rename(item, row)`, `ask(id, title)`, `now()` */
function rowOf(row, key, does) {
  const name = nameOf(row);
  const link = h("a", { href: `#${row.id}`, title: name, tabindex: -1, "aria-keyshortcuts": "F2 Delete", onclick: () => does.reveal(row.id, row.match?.message_id) },
    row.forked_from && icon("branch"), h("span", { class: "title" }, name, row.excerpt && h("span", { class: "excerpt" }, row.excerpt)),
    row.stream_id ? h("span", { class: "dot", title: "An answer is being written" }) : h("time", {}, when(row.updated_at, does.now())));
  const item = h("li", { "data-id": row.id, "data-key": key }, link,
    iconButton("edit", `Rename ${name}`, () => does.rename(item, row), { tabindex: -1 }),
    iconButton("close", `Delete ${name}`, () => does.ask(row.id, row.title), { tabindex: -1 }));
  return item;
}
