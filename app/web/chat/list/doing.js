/** What is done with a chat as a whole: a new title, its end. It is loaded when somebody does. */

import { h } from "/chat/dom.js";
import { keyOf } from "/chat/keys.js";
import { json } from "/chat/sidebar.js";

/**
 * Puts a box in the place of an element, for another title.
 * @returns {Promise<string | null>} null where it stays as it was
 */
export function retitled(element, title, attributes = {}) {
  return new Promise((resolve) => {
    const input = h("input", { "aria-label": "Title", value: title, maxlength: "200", ...attributes });
    let over = false;
    const done = (keep) => {
      if (over) return;
      over = true;
      input.replaceWith(element);
      const text = input.value.trim();
      resolve(keep && text !== title ? text : null);
    };
    input.addEventListener("keydown", (event) => {
      if (keyOf(event) === "Enter") done(true);
      if (keyOf(event) !== "Escape") return;
      event.stopPropagation();
      done(false);
    });
    input.addEventListener("blur", () => done(true));
    element.replaceWith(input);
    input.focus();
    input.select();
  });
}

/** Asks before what cannot be undone. @returns {Promise<boolean>} */
export function confirmed(question, detail, yes) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "small", "aria-label": question, onclose: () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    } },
      h("form", { method: "dialog" }, h("h2", {}, question), h("p", {}, detail),
        h("div", { class: "row" }, h("button", { value: "no", autofocus: true }, "Keep it"), h("button", { value: "yes", class: "danger" }, yes))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Gives a chat another title, in all tabs. @param {object} of what `Sidebar.do` hands on */
export async function rename({ client, changed }, id, title) {
  await client.request(`/v1/conversations/${id}`, json("PATCH", { title }));
  await changed();
}

/** Asks for another title in a row's place. */
export async function edit(of, item, row) {
  const title = await retitled(item.querySelector("a"), row.title ?? "");
  if (title === null) return;
  await rename(of, row.id, title || null);
  item.removeAttribute("data-key");
}

/** Deletes a chat, if that is meant. */
export async function ask({ client, changed, gone }, id, title) {
  if (!(await confirmed(`Delete “${title ?? "New chat"}”?`, "This can’t be undone. It’s deleted on all your devices.", "Delete"))) return;
  try {
    await client.request(`/v1/conversations/${id}`, { method: "DELETE" });
  } catch (error) {
    if (error.status !== 404 && error.status !== 410) throw error;
  }
  gone(id);
  await changed();
}
