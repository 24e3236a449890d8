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
  #place;
  /** Each `{ name, kind, block, size, cost }`; while it is read, its block is null. Who reads holds on to this list. */
  #items = [];

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
    this.#place = place;
    this.#drafts = new Drafts((line) => page.say([line]));
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
  async add(files) {
    const [items, place, refused] = [this.#items, this.#place, []];
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
    this.#show();
    for (const [item, file] of reading) {
      if (!items.includes(item)) continue;
      try {
        Object.assign(item, await read(file, this.#room(items), this.#page.limit() - REST_BYTES));
      } catch (error) {
        if (items.includes(item)) items.splice(items.indexOf(item), 1);
        refused.push(error instanceof Refused ? error.message : `“${file.name}” can’t be attached: ${error.message}`);
      }
      if (items === this.#items) this.#show();
    }
    await this.#drafts.put(items === this.#items ? this.#place : place, items);
    if (items !== this.#items) return;
    if (refused.length > MOST_TOLD) refused.splice(MOST_TOLD - 1, Infinity, `${refused.length - MOST_TOLD + 1} more couldn’t be attached.`);
    this.#page.say(refused);
  }

  /** Takes a long text that was pasted; false where it is too large for that. */
  addText(text) {
    const block = textDocument("Pasted text", text);
    const item = { name: "Pasted text", kind: "pasted", block, size: new Blob([text]).size, cost: cost(block) };
    if (item.cost > this.#room(this.#items) || this.#items.length >= MOST_FILES) return false;
    this.#items.push(item);
    this.#changed();
    return true;
  }

  /** Another conversation's, or a new one's. */
  async open(place) {
    this.#place = place;
    this.#items = [];
    this.#show();
    const items = await this.#drafts.get(place);
    if (this.#place !== place) return;
    this.#items.unshift(...items); // what came meanwhile is being read into this very list
    this.#show();
  }

  /** The same draft under another name. */
  async rename(place) {
    const old = this.#place;
    this.#place = place;
    if (!this.#items.length) return;
    await this.#drafts.put(place, this.#items);
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

  #changed() {
    this.#drafts.put(this.#place, this.#items);
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
