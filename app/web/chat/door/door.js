/**
 * The one place where a key is given: above the box one types in, for as long as nobody is signed in. The rule: it covers
 * nothing, cannot be closed and so not be lost, and takes nobody's focus away from what is being typed.
 */

import { open } from "/chat/door/opening.js";
import { SIGNED_IN } from "/chat/session.js";
import { h } from "/chat/dom.js";

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
    if (document.activeElement?.id !== "message" || !document.activeElement.value) this.focus();
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
