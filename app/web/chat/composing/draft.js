/**
 * What was typed and not sent yet, for each conversation, in this browser. The rule: it is written with each key, so that a
 * reload or a crash costs nothing; where the store is full or forbidden, whoever asks is told so.
 */

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
