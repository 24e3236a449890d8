/**
 * The files of drafts, kept in this browser until their message was sent: a reload, a crash or a refusal costs none. (The
 * text of a draft is kept beside, by the composer.)
 *
 * The rule: bounded, the oldest first out; which drafts have files stands in a small list that is read without opening the
 * database. A store that is full or forbidden is said once, and typing goes on.
 */

import { filed, LIST } from "/chat/composing/draft.js";

const DATABASE = "keepstream";
const STORE = "drafts";
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_PLACES = 20;
const MOST_MS = 30 * 86_400_000;

export class Drafts {
  #say;
  #told = false;
  /** One at a time, in their order. */
  #last = Promise.resolve();

  /** @param {(line: string) => void} say */
  constructor(say) {
    this.#say = say;
  }

  /** Keeps what lies with a draft; nothing is a draft without files. */
  put(place, items) {
    const kept = items.filter((item) => item.block !== null);
    return this.#next(async () => {
      const list = filed(); // asked here: what was wanted before has been done
      if (!kept.length && !(place in list)) return;
      delete list[place];
      if (kept.length) list[place] = { at: Date.now(), bytes: kept.reduce((sum, item) => sum + item.cost, 0) };
      const gone = outOf(list);
      if (!(place in list)) gone.push(place);
      // The list last where something comes, and first where it goes: it never names what is not there.
      if (gone.length) note(gone);
      await transact("readwrite", (store) => {
        for (const one of gone) store.delete(one);
        if (place in list) store.put(kept.map((item) => ({ ...item })), place);
      });
      note(gone, place in list ? { [place]: list[place] } : {});
      if (kept.length && !(place in list)) throw new Error("too large to be kept");
    });
  }

  drop(place) {
    return this.put(place, []);
  }

  /** What lies with a draft. */
  async get(place) {
    let items = [];
    await this.#next(async () => {
      if (place in filed()) items = (await transact("readonly", (store) => store.get(place))) ?? [];
    });
    return items;
  }

  #next(work) {
    this.#last = this.#last.then(work).catch(() => {
      if (!this.#told) this.#say("This browser can’t keep your files if the page is closed. Send your message before you leave.");
      this.#told = true;
    });
    return this.#last;
  }
}

/** Says in the list what went and what came; what other tabs have said there meanwhile stays. */
function note(gone, come = {}) {
  const list = { ...filed(), ...come };
  for (const place of gone) delete list[place];
  if (Object.keys(list).length) localStorage.setItem(LIST, JSON.stringify(list));
  else localStorage.removeItem(LIST);
}

/** Drops the files of all drafts. */
export function forgetAll() {
  localStorage.removeItem(LIST);
  return new Promise((resolve) => {
    const asked = indexedDB.deleteDatabase(DATABASE);
    asked.onsuccess = asked.onerror = asked.onblocked = () => resolve();
  });
}

/** Takes out of a list what is too old or too much, and says what that was. */
function outOf(list) {
  const places = Object.keys(list).sort((one, other) => list[other].at - list[one].at);
  let bytes = 0;
  return places.filter((place, number) => {
    bytes += list[place].bytes;
    if (number < MOST_PLACES && bytes <= MOST_BYTES && Date.now() - list[place].at < MOST_MS) return false;
    return delete list[place];
  });
}

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("another tab is in the way"));
  });
}

async function transact(mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked?.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}
