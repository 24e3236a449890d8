/**
 * What was typed and not sent yet, for each conversation, in this browser. The rule: it is written with each key, so that a
 * reload or a crash costs nothing; where the store is full or forbidden, whoever asks is told so.
 */

import { textOf as said } from "/chat/words.js";
import { randomKey } from "/keepstream.js";

const TEXT = "keepstream.draft.";
/** Which drafts have files, which lie in a database of their own (`drafts.js`): `{ [place]: { at, bytes } }`. */
export const LIST = "keepstream.draft-files";

export function isOf(event, place) {
  return event.key === TEXT + place;
}

export function textOf(place) {
  return read(TEXT + place) ?? "";
}

/** False where it cannot be kept. */
export function keepText(place, text) {
  try {
    if (text) localStorage.setItem(TEXT + place, text);
    else localStorage.removeItem(TEXT + place);
    return true;
  } catch {
    return !text;
  }
}

/** The same draft for another chat; what was being sent of it goes along to where it is sent, and nowhere else. */
export function rename(place, to) {
  keepText(`${to}/sent`, (to !== "new" && read(`${TEXT + place}/sent`)) || "");
  for (const name of [place, `${place}/sent`]) keepText(name, "");
}

/**
 * Notes what is being sent of a draft: `{ after, text, files, size }`, `after` the message that it follows (null: none); null
 * for nothing. Returns the Idempotency-Key, the same for as long as that is: however often it is sent, it is one message.
 */
export function sending(place, what) {
  const before = sentOf(place);
  const key = before && JSON.stringify(before.what) === JSON.stringify(what) ? before.key : randomKey();
  keepText(`${place}/sent`, what && JSON.stringify({ key, what }));
  return key;
}

/** What was being sent, where it stands in the chat by now; else null. `behind(id)` is the message that follows one. */
export function wasSent(place, behind) {
  const { what } = sentOf(place) ?? {};
  const { role, content } = (what && behind(what.after)) || {};
  const files = Array.isArray(content) ? content.filter(({ type }) => type !== "text").length : 0;
  if (role !== "user" || said(content) !== what.text || files !== what.files) return null;
  sending(place, null);
  return what;
}

function sentOf(place) {
  return JSON.parse(read(`${TEXT + place}/sent`));
}

export function filed() {
  try {
    return JSON.parse(read(LIST) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

/** A conversation that is gone takes its draft along, and what its messages were to say in another way. */
export function forgetChat(id) {
  forgetDraft(id);
  forgetTexts(`${TEXT + id}/`);
}

export function forgetDraft(place) {
  keepText(place, "");
  sending(place, null);
  if (place in filed()) import("/chat/composing/drafts.js").then(({ Drafts }) => new Drafts(() => {}).drop(place)).catch(() => {});
}

/** Whoever signs out leaves none to whoever comes next. */
export async function forgetDrafts() {
  forgetTexts(TEXT);
  try {
    if (Object.keys(filed()).length) await (await import("/chat/composing/drafts.js")).forgetAll();
  } catch {
    // What is forbidden keeps nothing either.
  }
}

function forgetTexts(prefix) {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(prefix)) localStorage.removeItem(name);
  } catch {
    // What is forbidden keeps nothing either.
  }
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // there is none then
  }
}
