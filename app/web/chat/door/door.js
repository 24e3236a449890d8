/**
 * The one place where a key is given: above the box one types in, for as long as nobody is signed in. The rule: it covers
 * nothing, cannot be closed and so not be lost, and takes nobody's focus away from what is being typed.
 */

import { keep, open } from "/chat/door/opening.js";
import { kept, OWNER, SIGNED_IN } from "/chat/session.js";
import { h } from "/chat/dom.js";

/**
 * Resolves when one has signed in. Where that is another account than before, the page begins anew, and it never does.
 * @param {string} key what a page of before has kept @param {(door: Door) => void} shown
 */
export async function enter(key, shown) {
  const owner = kept(OWNER);
  keep(SIGNED_IN, null);
  if (!key || (await open(key)) !== null) {
    const door = new Door();
    shown(door);
    await door.opened();
  }
  keep(SIGNED_IN, "");
  if (owner === null || owner === kept(OWNER)) return;
  // What one has asked for, nobody else asks for.
  location.reload();
  await new Promise(() => {});
}

export class Door {
  #key = h("input", { type: "password", name: "key", autocomplete: "current-password", required: true });
  #said = h("p", { class: "bad", role: "alert", hidden: true });
  #button = h("button", { class: "primary" }, "Sign in");
  #form = h("form", { id: "door", "aria-labelledby": "door-title" },
    h("h2", { id: "door-title" }, "Sign in"),
    h("p", { class: "note" }, "This server needs a key. It’s used once to sign in, and isn’t stored in this browser."),
    h("div", { class: "row" }, h("label", {}, "Key or token", this.#key), this.#button), this.#said);

  /** Shows it; resolves when somebody is signed in, here or in another tab. */
  opened() {
    document.querySelector("#dock").prepend(this.#form);
    document.body.classList.add("signed-out");
    // The message box has it from the beginning.
    const typing = document.activeElement?.closest("input, select, textarea");
    if (!typing || (typing.id === "message" && !typing.value)) this.focus();
    return new Promise((resolve) => {
      const elsewhere = (event) => event.key === SIGNED_IN && event.newValue !== null && done();
      const done = () => {
        removeEventListener("storage", elsewhere);
        document.body.classList.remove("signed-out");
        const inside = this.#form.contains(document.activeElement);
        this.#form.remove();
        if (inside && matchMedia("(hover: hover)").matches) document.querySelector("#message").focus();
        resolve();
      };
      addEventListener("storage", elsewhere);
      this.#form.addEventListener("submit", async (event) => {
        event.preventDefault();
        this.#button.disabled = true;
        const why = await open(this.#key.value.trim());
        this.#button.disabled = false;
        if (why === null) return done();
        this.#said.hidden = false;
        this.#said.textContent = why;
        this.#key.select();
      });
    });
  }

  focus() {
    this.#key.focus();
  }
}
