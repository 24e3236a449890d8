/** The list of conversations: search, rename, delete. The last used stands first. */

import { h, icon, iconButton } from "/chat/dom.js";
import { trouble, when } from "/chat/words.js";

const PAGE = 50;

export class Sidebar {
  #client;
  #page;
  #list = document.querySelector("#conversations");
  #search = document.querySelector("#search");
  #more = document.querySelector("#more");
  #rows = [];
  #next = null;
  #current = null;
  #tabs = new BroadcastChannel("keepstream.conversations");
  #loading = null;

  /** @param {object} page `now()`, `gone(id)`, `renamed(id, title)`, `notice(text)` */
  constructor(client, page) {
    this.#client = client;
    this.#page = page;
    this.#search.addEventListener("input", () => this.#searched());
    this.#more.addEventListener("click", () => this.#load(true));
    this.#tabs.onmessage = () => this.refresh();
    addEventListener("focus", () => this.refresh());
  }

  set current(id) {
    this.#current = id;
    this.#mark();
  }

  /** Something has changed here: tells the other tabs too. */
  changed() {
    this.#tabs.postMessage("changed");
    return this.refresh();
  }

  refresh() {
    this.#loading ??= this.#load(false).finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #load(more) {
    const before = more && this.#next ? `&before=${encodeURIComponent(this.#next)}` : "";
    let found;
    try {
      found = await (await this.#client.request(`/v1/conversations?limit=${PAGE}${before}`, { cache: "no-store" })).json();
    } catch (error) {
      if (!this.#rows.length) this.#list.replaceChildren(h("li", { class: "note" }, trouble(error)));
      return;
    }
    const current = found.data.find((row) => row.id === this.#current);
    if (current) this.#page.renamed(current.id, current.title);
    this.#rows = more ? [...this.#rows, ...found.data] : found.data;
    this.#next = found.has_more ? found.last_id : null;
    this.#show();
  }

  /** A search looks through all of them. */
  async #searched() {
    this.#show();
    while (this.#search.value && this.#next) await this.#load(true);
  }

  #show() {
    const wanted = this.#search.value.trim().toLowerCase();
    const rows = this.#rows.filter((row) => (row.title ?? "New chat").toLowerCase().includes(wanted));
    const kept = new Map([...this.#list.children].map((row) => [row.dataset.id, row]));
    this.#list.replaceChildren(...rows.map((row) => {
      const old = kept.get(row.id);
      const key = `${row.title}|${row.updated_at}|${row.stream_id}`;
      if (old && (old.dataset.key === key || old.querySelector("input"))) return old;
      return this.#row(row, key);
    }));
    if (!rows.length) this.#list.append(h("li", { class: "note" }, wanted ? "No chat has such a title." : "No chats yet."));
    this.#more.hidden = !this.#next || Boolean(wanted);
    this.#mark();
  }

  #row(row, key) {
    const title = row.title ?? "New chat";
    const name = h("a", { href: `#${row.id}`, title }, h("span", { class: "title" }, title),
      row.stream_id ? h("span", { class: "dot", title: "An answer is being written" }) : h("time", {}, when(row.updated_at, this.#page.now())));
    const item = h("li", { "data-id": row.id, "data-key": key }, name,
      iconButton("edit", `Rename ${title}`, () => this.#rename(item, row)),
      iconButton("close", `Delete ${title}`, () => this.ask(row.id, row.title)));
    return item;
  }

  #mark() {
    for (const row of this.#list.children) {
      const link = row.querySelector("a");
      if (row.dataset.id === this.#current) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
    }
  }

  async #rename(item, row) {
    const { retitled } = await this.#doing();
    const title = await retitled(item.querySelector("a"), row.title ?? "");
    if (title !== null && (await this.rename(row.id, title || null))) item.removeAttribute("data-key");
  }

  async #doing() {
    try {
      return await import("/chat/list/doing.js");
    } catch (error) {
      this.#page.notice(trouble(error));
      throw error;
    }
  }

  async rename(id, title) {
    try {
      await this.#client.request(`/v1/conversations/${id}`, json("PATCH", { title }));
    } catch (error) {
      this.#page.notice(trouble(error));
      return false;
    }
    await this.changed();
    return true;
  }

  /** Deletes a conversation, if that is meant. */
  async ask(id, title) {
    const { confirmed } = await this.#doing();
    if (await confirmed(`Delete “${title ?? "New chat"}”?`, "This can’t be undone. It’s deleted on all your devices.", "Delete")) await this.#remove(id);
  }

  async #remove(id) {
    try {
      await this.#client.request(`/v1/conversations/${id}`, { method: "DELETE" });
    } catch (error) {
      if (error.status !== 404 && error.status !== 410) return this.#page.notice(trouble(error));
    }
    this.#page.gone(id);
    await this.changed();
  }
}

export function json(method, body) {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
