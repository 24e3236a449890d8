/**
 * Pictures, brought to what a model looks at: one from a phone fits into a request, stands upright, and leaves where it was
 * taken at home. The rule: what is small already and says nothing of its maker stays as it is, byte for byte; one that is
 * seen through stays so; and nothing is unpacked that could fill the memory.
 */

/** Why a file does not go along, in words for a person. */
export class Refused extends Error {}

/** What the Claude API takes as it is. */
const TAKEN = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** The longer side in pixels that a model sees, and the bytes up to which a picture is left as it is. */
const SIDE = 1568;
const AS_IT_IS = 700_000;
/** Smaller than this nothing can be made out. */
const LEAST = 200;
/** The Claude API's own limit is 5 MB, as Base64, which is a third larger. */
const MOST = 3_700_000;
/** A picture without transparency that is larger than this as PNG is a photograph. */
const PHOTOGRAPH = 1_500_000;
/** As many pixels are unpacked as a camera has; four bytes each. */
const PIXELS = 120_000_000;
/** A picture's size and its orientation stand in the first part of its file, behind previews and colour profiles. */
const HEAD_BYTES = 1 << 20;

/** @param {File} file @param {string} named its name, as a sentence begins with it @returns {Promise<Blob>} */
export async function smaller(file, named) {
  const head = new DataView(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const { width = 0, height = 0, tells = false } = looked(head);
  if (width * height > PIXELS) {
    const number = new Intl.NumberFormat("en");
    throw new Refused(`${named} is too large: ${number.format(width)} × ${number.format(height)} pixels. Save it at a smaller size, then attach it again.`);
  }
  const bitmap = await unpacked(file, named);
  const longest = Math.max(bitmap.width, bitmap.height);
  const taken = TAKEN.includes(file.type);
  if (taken && !tells && longest <= SIDE && file.size <= AS_IT_IS) return file;
  for (let side = Math.min(SIDE, longest); side >= Math.min(LEAST, longest); side = Math.floor(side * 0.75)) {
    const canvas = drawn(bitmap, side / longest);
    for (const [type, most] of kinds(file.type, canvas)) {
      const made = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.88));
      if (made === null || made.type !== type || made.size > most) continue;
      return taken && !tells && longest <= SIDE && file.size <= Math.min(made.size, MOST) ? file : made;
    }
  }
  throw new Refused(`${named} can’t be made small enough. Save it at a smaller size, then attach it again.`);
}

async function unpacked(file, named) {
  // Browsers of before know no way to ask for it upright, and make it so.
  for (const options of [[{ imageOrientation: "from-image" }], []]) {
    try {
      return await createImageBitmap(file, ...options);
    } catch (error) {
      if (!(error instanceof TypeError)) break;
    }
  }
  throw new Refused(`${named} can’t be opened as a picture. Save it as PNG or JPEG, then attach that.`);
}

function drawn(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** What it may be written as, the best first, and how large at the most. */
function kinds(type, canvas) {
  if (type === "image/jpeg") return [["image/jpeg", MOST]];
  if (isSeenThrough(canvas)) return [["image/png", MOST], ["image/webp", MOST]];
  return [["image/png", PHOTOGRAPH], ["image/jpeg", MOST]];
}

function isSeenThrough(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return true;
  return false;
}

/** What the head of a file says: `{ width, height, tells }`, as far as it is known; `tells`: of a camera, and of a place. */
function looked(head) {
  try {
    const mark = head.getUint32(0);
    if (mark === 0x89504e47) return { width: head.getUint32(16), height: head.getUint32(20) };
    if (mark === 0x47494638) return { width: head.getUint16(6, true), height: head.getUint16(8, true) };
    if (mark === 0x52494646 && head.getUint32(8) === 0x57454250) return webp(head);
    if (mark >>> 16 === 0xffd8) return jpeg(head);
  } catch {
    // It ends before it says so: the browser judges it.
  }
  return {};
}

function webp(head) {
  const threeBytes = (at) => 1 + head.getUint16(at, true) + (head.getUint8(at + 2) << 16);
  switch (head.getUint32(12)) {
    case 0x56503858: // VP8X; bit 3 tells of Exif
      return { width: threeBytes(24), height: threeBytes(27), tells: (head.getUint8(20) & 8) !== 0 };
    case 0x5650384c: { // VP8L
      const bits = head.getUint32(21, true);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    default:
      return { width: head.getUint16(26, true) & 0x3fff, height: head.getUint16(28, true) & 0x3fff };
  }
}

function jpeg(head) {
  let tells = false;
  for (let at = 2; at + 9 < head.byteLength; at += 2 + head.getUint16(at + 2)) {
    const marker = head.getUint16(at);
    if (marker === 0xffe1) tells = true;
    // The start of a frame, whatever its coding: all of C0 to CF but three that are tables.
    if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
      return { width: head.getUint16(at + 7), height: head.getUint16(at + 5), tells };
    }
  }
  return { tells };
}
