/**
 * The box one types in. The rule: what was typed leaves the box only when it was accepted, and is there again after a
 * reload, a refusal or a crash.
 */

import { attachment } from "/chat/asking/asked.js";
import { h, iconButton } from "/chat/dom.js";
import { ACCEPTED, blockOf } from "/chat/composing/files.js";
import { isTouch, sends } from "/chat/keys.js";
import { left, trouble } from "/chat/words.js";

const DRAFT = "keepstream.draft.";

export class Composer {
  #form = document.querySelector("#composer");
  #box = document.querySelector("#message");
  #sendButton = document.querySelector("#send");
  #stopButton = document.querySelector("#stop");
  #files = document.querySelector("#files");
  #notice = document.querySelector("#notice");
  #blocks = [];
  #actions;
  #place = "new";
  #attempt = null;
  /** The attempt waits to be made again, and whether it is to be stopped as soon as it was accepted. */
  #waiting = false;
  #stopping = false;
  #ticking = null;

  /** @param {object} actions `send(content, options)`, `stop()` */
  constructor(actions) {
    this.#actions = actions;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#box.addEventListener("keydown", (event) => {
      if (!sends(event)) return;
      event.preventDefault();
      this.#send();
    });
    if (isTouch()) this.#box.enterKeyHint = "enter";
    this.#box.addEventListener("input", () => this.#typed());
    this.#stopButton.addEventListener("click", () => this.stop());
    const input = h("input", { type: "file", accept: ACCEPTED, multiple: true, hidden: true, "aria-label": "Attach files", onchange: () => {
      this.#attach([...input.files]); // the list itself is emptied by the next line
      input.value = "";
    } });
    document.querySelector("#attach").addEventListener("click", () => input.click());
    this.#form.append(input);
    this.#box.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length || isText(event.clipboardData.getData("text/plain"), files)) return;
      event.preventDefault();
      this.#attach(files);
    });
    for (const name of ["dragover", "drop"]) {
      addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        if (name === "drop") this.#attach([...event.dataTransfer.files]);
      });
    }
    addEventListener("storage", (event) => event.key === DRAFT + this.#place && !this.#box.value && this.#restore());
  }

  /** The draft of another conversation: its id, or "new". */
  open(place) {
    if (this.#attempt) this.#attempt.abort();
    this.#place = place;
    this.#blocks = [];
    this.#showFiles();
    this.notice(null);
    this.#restore();
  }

  /** A new conversation has got its id: the same draft, under another name. */
  rename(place) {
    forgetDraft(this.#place);
    this.#place = place;
    this.#keep();
  }

  focus() {
    // On a phone the keyboard would cover what one came to read.
    if (matchMedia("(hover: hover)").matches) this.#box.focus();
  }

  set running(running) {
    this.#stopButton.hidden = !running && this.#attempt === null;
    this.#sendButton.hidden = !this.#stopButton.hidden;
    this.#running = running;
  }

  #running = false;

  get busy() {
    return this.#running || this.#attempt !== null;
  }

  stop() {
    if (!this.#attempt) return this.#actions.stop();
    // What is under way may have been accepted already: then it is stopped there. Who says it twice means it.
    if (this.#waiting || this.#stopping) this.#attempt.abort();
    else this.#stopping = true;
  }

  /** Says something below the box; null takes it away. */
  notice(text, ...actions) {
    clearInterval(this.#ticking);
    this.#notice.replaceChildren(...(text ? [text, " ", ...actions] : []));
    this.#notice.hidden = !text;
  }

  async #send() {
    const text = this.#box.value;
    if (this.#attempt) return;
    if (this.#running) return this.notice("Wait for the answer to end, or stop it first. What you typed stays here.");
    if (!text.trim() && !this.#blocks.length) return this.#box.focus();
    const content = this.#blocks.length ? [...this.#blocks, ...(text.trim() ? [{ type: "text", text }] : [])] : text;
    const attempt = (this.#attempt = new AbortController());
    this.#stopping = false;
    this.running = this.#running;
    this.#box.readOnly = true;
    this.notice(null);
    const onState = (state, ms) => {
      if (attempt.signal.aborted) return;
      if (state === "waiting" && this.#stopping) return attempt.abort();
      this.#waiting = state === "waiting";
      if (this.#waiting) this.#count("The server cannot be reached. What you typed is kept; it is sent again", ms);
    };
    try {
      await this.#patiently(content, { signal: attempt.signal, onState, tries: Infinity }, attempt);
      this.#box.value = "";
      this.#blocks = [];
      this.#showFiles();
      this.#typed();
      this.notice(null);
      if (this.#stopping) this.#actions.stop();
    } catch (error) {
      if (attempt.signal.aborted) this.notice(null);
      else this.notice(trouble(error));
    } finally {
      if (this.#attempt === attempt) {
        this.#attempt = null;
        this.#box.readOnly = false;
        this.running = this.#running;
        this.focus();
      }
    }
  }

  /** Sends, and waits as long as a full line of waiting requests wants it. */
  async #patiently(content, options, attempt) {
    for (;;) {
      try {
        return await this.#actions.send(content, options);
      } catch (error) {
        if (error.status !== 429 || attempt.signal.aborted || this.#stopping) throw error;
        this.#waiting = true;
        const ms = (error.retryAfter ?? 5) * 1000;
        this.#count(`${trouble(error)} Yours is sent again`, ms);
        await new Promise((resolve) => {
          const timer = setTimeout(resolve, ms);
          attempt.signal.addEventListener("abort", () => (clearTimeout(timer), resolve()));
        });
        if (attempt.signal.aborted) throw error;
      }
    }
  }

  #count(text, ms) {
    const until = performance.now() + ms;
    const tick = () => {
      const rest = until - performance.now();
      this.#notice.hidden = false;
      this.#notice.textContent = rest > 0 ? `${text} in ${left(rest)}.` : `${text} now.`;
    };
    clearInterval(this.#ticking);
    this.#ticking = setInterval(tick, 250);
    tick();
  }

  async #attach(files) {
    for (const file of files) {
      try {
        this.#blocks.push(await blockOf(file));
        this.notice(null);
      } catch (error) {
        this.notice(error.message);
      }
    }
    this.#showFiles();
  }

  #showFiles() {
    this.#files.hidden = !this.#blocks.length;
    this.#files.replaceChildren(...this.#blocks.map((block) => h("span", { class: "chip" }, attachment(block),
      iconButton("close", "Remove file", () => {
        this.#blocks = this.#blocks.filter((other) => other !== block);
        this.#showFiles();
      }))));
  }

  #typed() {
    this.#keep();
    // Where the style sheet cannot (field-sizing), the box grows here.
    if (CSS.supports("field-sizing", "content")) return;
    this.#box.rows = Math.min(10, this.#box.value.split("\n").length);
  }

  #keep() {
    if (!this.#box.value) return forgetDraft(this.#place);
    try {
      localStorage.setItem(DRAFT + this.#place, this.#box.value);
    } catch {
      // A full or forbidden store: the text is still in the box.
    }
  }

  #restore() {
    let draft = null;
    try {
      draft = localStorage.getItem(DRAFT + this.#place);
    } catch {
      // As above.
    }
    this.#box.value = draft ?? "";
    this.#typed();
  }
}

/**
 * Whether what is pasted is text that comes with a picture of itself (office programs send both), rather than files, whose
 * names some systems send along.
 */
function isText(text, files) {
  const names = new Set(files.map((file) => file.name));
  return text.trim() !== "" && !text.trim().split(/[\r\n]+/).every((line) => names.has(line.trim().split(/[\\/]/).pop()));
}

export function forgetDraft(place) {
  try {
    localStorage.removeItem(DRAFT + place);
  } catch {
    // There is none then.
  }
}
