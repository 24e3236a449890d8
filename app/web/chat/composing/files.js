/**
 * Files that go with a message, as blocks of the Messages API: pictures, PDF, and whatever is text.
 *
 * The rule: a file either becomes a block that the Claude API takes, or there is a sentence that names it, says why not
 * and what one can do. What a file is, is seen by what is in it; its name and its type are other people's guesses.
 */

import { Refused, smaller } from "/chat/composing/pictures.js";
import { megabytes } from "/chat/words.js";

/** So much of a picture's file is looked at, at the most: a camera's raw one is no picture to send. */
const PICTURE_FILE_BYTES = 100_000_000;
/** So much of a name is kept as a document's title. */
const TITLE_LENGTH = 200;
const LIKE_OFFICE = /\.(docx?|xlsx?|pptx?|odt|ods|odp|pages|numbers|key|rtf|epub)$/i;
const LIKE_A_RECORDING = /^(audio|video)\//;

/**
 * What a file becomes: `{ name, kind, block }`; `room` is how many bytes of JSON it may take.
 * Throws `Refused` with a sentence for a person.
 * @param {File} file @param {number} room @param {number} most what a message may take in all
 */
export async function read(file, room, most) {
  const name = file.name || "Pasted picture";
  const named = `“${name}”`;
  if (/^image\/(?!svg)/.test(file.type)) {
    if (file.size > PICTURE_FILE_BYTES) throw new Refused(`${named} is too large: ${megabytes(file.size)}. Save it at a smaller size, then attach it again.`);
    const picture = await smaller(file, named);
    const block = { type: "image", source: { type: "base64", media_type: picture.type, data: await base64(picture, named) } };
    return fits({ name, kind: "picture", block }, picture.size, room, most);
  }
  // Before anything is read: nobody waits for a file that cannot go along anyway.
  fits({ name }, file.size, room, most, file.size);
  const bytes = await bytesOf(file, named);
  if (!bytes.length) throw new Refused(`${named} is empty.`);
  if (isPdf(bytes)) {
    const data = await base64(file, named);
    const block = { type: "document", title: name.slice(0, TITLE_LENGTH), source: { type: "base64", media_type: "application/pdf", data } };
    return fits({ name, kind: "pdf", block }, file.size, room, most);
  }
  const text = textIn(bytes);
  if (text === null) throw new Refused(`${named} can’t be attached. ${instead(file)}`);
  if (!text.trim()) throw new Refused(`${named} has no text in it.`);
  return fits({ name, kind: "text", block: textDocument(name, text) }, file.size, room, most);
}

/** A document of plain text. */
export function textDocument(title, data) {
  return { type: "document", title: title.slice(0, TITLE_LENGTH), source: { type: "text", media_type: "text/plain", data } };
}

/** How many bytes a value takes in a request. */
export function cost(value) {
  const data = value?.source?.type === "base64" ? value.source.data.length : null;
  return data === null ? new Blob([JSON.stringify(value)]).size : data + 300;
}

function fits(item, size, room, most, least = cost(item.block)) {
  if (least <= room) return { ...item, size, cost: least };
  const limit = `Files in one message can be ${megabytes(most * 0.75)} together.`;
  if (least > most) throw new Refused(`“${item.name}” is too large: ${megabytes(size)}. ${limit} Split it, or attach the part that matters.`);
  throw new Refused(`“${item.name}” (${megabytes(size)}) doesn’t fit beside the others. ${limit} Send it in a message of its own.`);
}

function instead(file) {
  if (LIKE_OFFICE.test(file.name)) return "Save it as PDF or as text, then attach that.";
  if (LIKE_A_RECORDING.test(file.type)) return "Claude reads pictures, PDF, and text, and can’t listen or watch.";
  if (/\.(zip|tar|gz|tgz|7z|rar)$/i.test(file.name)) return "Unpack it, then attach the files in it.";
  return "Pictures, PDF, and text files can.";
}

/** A PDF may have something before it. */
function isPdf(bytes) {
  return String.fromCharCode(...bytes.subarray(0, 1024)).includes("%PDF-");
}

/** The text in a file, or null where there is none. What is not UTF-8 says what it is, or has never been text. */
function textIn(bytes) {
  const coding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    const text = new TextDecoder(coding, { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    // Old text of Western Europe: no control characters, and most of it plain letters.
    const odd = bytes.filter((byte) => byte >= 0x80).length;
    if (odd > bytes.length / 4 || bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27))) return null;
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

async function bytesOf(file, named) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    // A folder that is dropped looks like a file without a type, and cannot be read.
    throw new Refused(file.type ? `${named} can’t be read. Is it still there?` : `${named} can’t be read. If it’s a folder, attach the files in it.`);
  }
}

function base64(blob, named) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Refused(`${named} can’t be read. Is it still there?`));
    reader.readAsDataURL(blob);
  });
}
