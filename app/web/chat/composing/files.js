/**
 * Files that go with a message: pictures and PDF, as blocks of the Messages API.
 *
 * Pictures are brought to the size that a model looks at, so that one from a phone fits into a request.
 */

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
export const ACCEPTED = [...PICTURES, "application/pdf"].join(",");
/** The longer side in pixels, and the bytes up to which a picture is left as it is. */
const SIDE = 1568;
const AS_IT_IS = 700_000;
/** The Claude API takes no more than this. */
const LARGEST = 32 * 1024 * 1024;

/** A block for a file. Throws an Error that says to a person why not. @param {File} file */
export async function blockOf(file) {
  if (file.type === "application/pdf") {
    limit(file, file.size);
    return { type: "document", title: file.name, source: { type: "base64", media_type: file.type, data: await base64(file) } };
  }
  if (!PICTURES.includes(file.type)) {
    throw new Error(`“${file.name}” cannot be attached: pictures (PNG, JPEG, GIF, WebP) and PDF can.`);
  }
  const picture = await smaller(file);
  limit(file, picture.size);
  return { type: "image", source: { type: "base64", media_type: picture.type, data: await base64(picture) } };
}

function limit(file, size) {
  if (size > LARGEST) throw new Error(`“${file.name}” is too large: ${Math.round(size / 1048576)} MB, and 32 MB is the most.`);
}

async function smaller(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`“${file.name}” is not a picture that can be read.`);
  }
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  if (file.type === "image/gif" || (scale >= 1 && file.size <= AS_IT_IS)) return file;
  const factor = Math.min(1, scale);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * factor));
  canvas.height = Math.max(1, Math.round(bitmap.height * factor));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const type = file.type === "image/png" && file.size < AS_IT_IS * 4 ? "image/png" : "image/jpeg";
  const made = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.85));
  return made && made.size < file.size ? made : file;
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}
