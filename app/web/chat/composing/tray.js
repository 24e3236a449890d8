/**
 * What goes along with a message: files, and long texts that were pasted, each as a chip that can be taken away. Loaded
 * when the first one comes.
 *
 * The rule: good ones are taken, whatever the others are; each that is refused is named. What lies here is kept with its
 * draft until its message was accepted.
 */

import { attachment } from "/chat/asking/asked.js";
import { askText } from "/chat/composing/pasted.js";
import { Drafts } from "/chat/composing/drafts.js";
import { cost, read, textDocument } from "/chat/composing/files.js";
import { Refused } from "/chat/composing/pictures.js";
import { h, icon, iconButton } from "/chat/dom.js";
import { megabytes } from "/chat/words.js";

/** So many files go along with one message. */
const MOST_FILES = 20;
/** More refusals than these are counted, not read. */
const MOST_TOLD = 3;
/** What the rest of a request takes, at the most, beside its files and its text. */
const REST_BYTES = 2000;

export class Tray {
  #root;
  #page;
  #drafts;
  /**
   * What lies with the drafts that are open, or that something is read into or written of: `{ place, items, work, loaded }`
   * by place, so that who comes back finds it. Each item is `{ name, kind, block, size, cost }`; while it is read, its block
   * is null.
   */
  #lists = new Map();
  /** The one that is shown. */
  #list;

  /**
   * @param {HTMLElement} root
   * @param {object} page
   * @param {() => void} page.changed something came or went
   * @param {(lines: string[]) => void} page.say
   * @param {() => number} page.limit the bytes that a request may have
   * @param {(text: string) => void} page.put puts a text into the box
   * @param {() => void} page.focus
   * @param {string} place the draft that it belongs to
   */
  constructor(root, page, place) {
    this.#root = root;
    this.#page = page;
    this.#drafts = new Drafts((line) => page.say([line]));
    this.#list = this.#of(place);
  }

  get #items() {
    return this.#list.items;
  }

  get blocks() {
    return this.#items.map((item) => item.block).filter(Boolean);
  }

  /** How many bytes of a request they take; 0 where nothing lies here. */
  get cost() {
    return this.#items.reduce((sum, item) => sum + item.cost, 0);
  }

  /** Whether something is still being read. */
  get isBusy() {
    return this.#items.some((item) => item.block === null);
  }

  /** Reads files, and takes those that can go along. */
  async add(files, place) {
    const list = this.#of(place);
    const { items } = list;
    const refused = [];
    const reading = [];
    for (const file of files) {
      if (items.length >= MOST_FILES) {
        refused.push(`“${file.name}” is one too many: ${MOST_FILES} files go with a message. Send it with the next one.`);
        continue;
      }
      const item = { name: file.name, kind: "file", block: null, size: file.size, cost: 0 };
      items.push(item);
      reading.push([item, file]);
    }
    list.work++;
    this.#show();
    for (const [item, file] of reading) {
      if (!items.includes(item)) continue;
      try {
        Object.assign(item, await read(file, this.#room(items), this.#page.limit() - REST_BYTES));
      } catch (error) {
        if (items.includes(item)) items.splice(items.indexOf(item), 1);
        refused.push(error instanceof Refused ? error.message : `“${file.name}” can’t be attached: ${error.message}`);
      }
      if (list === this.#list) this.#show();
    }
    await this.#keep(list);
    this.#done(list);
    if (list !== this.#list) return;
    if (refused.length > MOST_TOLD) refused.splice(MOST_TOLD - 1, Infinity, `${refused.length - MOST_TOLD + 1} more couldn’t be attached.`);
    this.#page.say(refused);
  }

  /** Takes a long text that was pasted; false where it is too large for that. */
  addText(text, place) {
    const list = this.#of(place);
    const block = textDocument("Pasted text", text);
    const item = { name: "Pasted text", kind: "pasted", block, size: new Blob([text]).size, cost: cost(block) };
    if (item.cost > this.#room(list.items) || list.items.length >= MOST_FILES) return false;
    list.items.push(item);
    this.#keep(list);
    this.#show();
    return true;
  }

  /** Another conversation's, or a new one's. */
  async open(place) {
    const left = this.#list;
    this.#list = null;
    this.#drop(left);
    const list = (this.#list = this.#of(place));
    this.#show();
    await list.loaded;
    if (list === this.#list) this.#show();
  }

  /** The same draft under another name. */
  async rename(place) {
    const list = this.#list;
    const old = list.place;
    this.#lists.delete(old);
    this.#lists.set(place, Object.assign(list, { place }));
    if (!list.items.length) return;
    await this.#keep(list);
    await this.#drafts.drop(old);
  }

  /** These were sent; what came meanwhile is for the next message. */
  sent(blocks) {
    this.#items.splice(0, Infinity, ...this.#items.filter((item) => !blocks.includes(item.block)));
    this.#changed();
  }

  #room(items) {
    return items.reduce((room, item) => room - item.cost, this.#page.limit() - REST_BYTES);
  }

  /** The list of a draft, begun with what is kept of it. */
  #of(place) {
    const known = this.#lists.get(place);
    if (known) return known;
    const list = { place, items: [], work: 0, loaded: null };
    list.loaded = this.#drafts.get(place).then((items) => list.items.unshift(...items));
    this.#lists.set(place, list);
    return list;
  }

  async #keep(list) {
    list.work++;
    await list.loaded; // who writes before that writes over what is kept
    await this.#drafts.put(list.place, list.items);
    this.#done(list);
  }

  #done(list) {
    list.work--;
    this.#drop(list);
  }

  #drop(list) {
    if (list !== this.#list && !list.work && this.#lists.get(list.place) === list) this.#lists.delete(list.place);
  }

  #changed() {
    this.#keep(this.#list);
    this.#show();
  }

  #show() {
    this.#root.hidden = !this.#items.length;
    this.#root.replaceChildren(...this.#items.map((item) => this.#chip(item)));
    this.#page.changed();
  }

  #chip(item) {
    const { name, kind, block, size } = item;
    const label = [h("span", { class: "name" }, name), h("small", {}, block ? megabytes(size) : "Reading…")];
    const body = kind === "picture" ? attachment(block)
      : kind === "text" || kind === "pasted" ? h("button", { type: "button", class: "open", title: "Open", onclick: () => this.#open(item) }, icon("attach"), ...label)
        : h("span", { class: "open" }, icon("attach"), ...label);
    if (kind === "picture") Object.assign(body, { alt: name, title: name });
    return h("span", { class: "chip" }, body, iconButton("close", `Remove ${name}`, () => {
      this.#items.splice(this.#items.indexOf(item), 1);
      this.#changed();
      this.#page.focus();
    }));
  }

  /** Shows a text, to be changed or to be put back where one types. */
  async #open(item) {
    const told = await askText(item.name, item.block.source.data);
    if (!told || !this.#items.includes(item)) return this.#page.focus();
    if (told.back || !told.text.trim()) this.#items.splice(this.#items.indexOf(item), 1);
    if (told.back) this.#page.put(told.text);
    else if (told.text.trim()) {
      const block = textDocument(item.block.title, told.text);
      Object.assign(item, { block, size: new Blob([told.text]).size, cost: cost(block) });
    }
    this.#changed();
    this.#page.focus();
  }
}
