/**
 * The box one types in. The rule: what was typed, and what lies with it, leaves the box only when it was accepted, and is
 * there again after a reload, a refusal or a crash. What files need is loaded with the first one.
 */

import { filed, forgetDraft, isOf, keepText, rename, sending, textOf, wasSent } from "/chat/composing/draft.js";
import { h, isText } from "/chat/dom.js";
import { isTouch, keyOf, sends } from "/chat/keys.js";
import { inWords, left, megabytes } from "/chat/words.js";

/** A pasted text of so many characters or lines is folded away. */
const LONG_PASTE = 5000;
const LONG_PASTE_LINES = 100;
const READING = "Your files are still being read.";
const NOT_KEPT = "This browser can’t keep what you type if the page is closed. Send your message before you leave.";

export class Composer {
  #form = document.querySelector("#composer");
  #box = document.querySelector("#message");
  #sendButton = document.querySelector("#send");
  #stopButton = document.querySelector("#stop");
  #notice = document.querySelector("#notice");
  #actions;
  /** Whose text and files these are: its name may change, and who waits for something holds on to it. */
  #draft = { place: "new" };
  #attempt = null;
  /** The attempt waits to be made again, and whether it is to be stopped as soon as it was accepted. */
  #waiting = false;
  #stopping = false;
  #ticking = null;
  #running = false;
  /** The files beside the text, and the promise of what they need. */
  #tray = null;
  #loading = null;
  /** How many things wait for what files need. */
  #opening = 0;
  #told = false;

  /** @param {object} actions `send(content, options)`, `stop()`, `limit()` in bytes, `editLast()`, `last()` message's id */
  constructor(actions) {
    this.#actions = actions;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#box.addEventListener("keydown", (event) => {
      const isPlain = !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
      if (keyOf(event) === "ArrowUp" && isPlain && this.#isEmpty && actions.editLast()) event.preventDefault();
      if (!sends(event)) return;
      event.preventDefault();
      this.#send();
    });
    if (isTouch()) this.#box.enterKeyHint = "enter";
    this.#box.addEventListener("input", () => this.#typed());
    this.#stopButton.addEventListener("click", () => this.stop());
    const input = h("input", { type: "file", multiple: true, hidden: true, "aria-label": "Choose files", onchange: () => {
      this.#attach([...input.files]); // the list itself is emptied by the next line
      input.value = "";
    } });
    document.querySelector("#attach").addEventListener("click", () => input.click());
    this.#form.append(input);
    this.#box.addEventListener("paste", (event) => this.#pasted(event));
    this.#watchDrops();
    addEventListener("storage", (event) => isOf(event, this.#draft.place) && !this.#attempt && (event.oldValue ?? "") === this.#box.value && this.#restore());
  }

  /** The draft of another conversation: its id, or "new". */
  open(place) {
    if (this.#attempt) this.#attempt.abort();
    this.#draft = { place };
    this.notice(null);
    this.#restore();
    this.#openTray();
  }

  /** A new conversation has got its id: the same draft, under another name. */
  rename(place) {
    rename(this.#draft.place, place);
    this.#draft.place = place;
    this.#keep();
    this.#tray?.rename(place);
  }

  /** What was typed for a chat that is gone is for a new one, where nothing waits to be sent there. */
  carry() {
    if (!this.#isEmpty && !textOf("new") && !("new" in filed())) this.rename("new");
  }

  /** The chat shows what was just being sent, though nobody was here to hear that it was accepted. */
  seen(behind) {
    const draft = this.#draft;
    const sent = this.#attempt && !this.#attempt.signal.aborted ? null : wasSent(draft.place, behind);
    if (sent?.text !== this.#box.value) return;
    this.#box.value = "";
    this.#typed();
    const forget = (tray) => draft === this.#draft && tray.sent(tray.blocks.slice(0, sent.files));
    if (sent.files) this.#opened((tray) => tray.open(draft.place).then(() => forget(tray))).catch(() => {});
  }

  focus() {
    // On a phone the keyboard would cover what one came to read.
    if (matchMedia("(hover: hover)").matches) this.#box.focus();
  }

  set running(running) {
    const focused = document.activeElement;
    this.#stopButton.hidden = !running && this.#attempt === null;
    this.#sendButton.hidden = !this.#stopButton.hidden;
    this.#running = running;
    if (focused === this.#stopButton || focused === this.#sendButton) if (focused.hidden) this.focus();
  }

  get busy() {
    return this.#running || this.#attempt !== null;
  }

  stop() {
    if (!this.#attempt) return this.#actions.stop();
    // What is under way may have been accepted already: then it is stopped there. Who says it twice means it.
    if (this.#waiting || this.#stopping) this.#attempt.abort();
    else this.#stopping = true;
  }

  /** Says something below the box, a line for each text; null takes it away. */
  notice(text, ...actions) {
    clearInterval(this.#ticking);
    const lines = [text ?? []].flat();
    this.#notice.replaceChildren(...(lines.length > 1 ? lines.map((line) => h("span", { class: "line" }, line)) : lines), " ", ...actions);
    this.#notice.hidden = !lines.length;
  }

  /** Says why something was not taken. */
  async refused(error) {
    this.notice(await inWords(error));
  }

  get #isEmpty() {
    return !this.#box.value.trim() && !this.#tray?.cost;
  }

  async #send() {
    const text = this.#box.value;
    if (this.#attempt) return;
    if (this.#running) return this.notice("Claude is still answering. Wait until it’s done, or stop it first.");
    if (this.#opening || this.#tray?.isBusy) return this.notice(READING);
    if (this.#isEmpty) return this.#box.focus();
    const blocks = this.#tray?.blocks ?? [];
    const content = blocks.length ? [...blocks, ...(text.trim() ? [{ type: "text", text }] : [])] : text;
    const [size, most] = [(this.#tray?.cost ?? 0) + new Blob([JSON.stringify(text)]).size, this.#actions.limit()];
    if (size > most) {
      const less = blocks.length ? "Remove a file, or send it in parts." : "Shorten it, or send it in parts.";
      return this.notice(`That’s too large to send: ${megabytes(size)}, and a message can be ${megabytes(most)}. ${less}`);
    }
    const attempt = (this.#attempt = new AbortController());
    const draft = this.#draft;
    const idempotencyKey = sending(draft.place, { after: this.#actions.last(), text, files: blocks.length, size });
    this.#stopping = false;
    this.running = this.#running;
    this.#box.readOnly = true;
    this.notice(null);
    const onState = (state, ms) => {
      if (attempt.signal.aborted) return;
      if (state === "waiting" && this.#stopping) return attempt.abort();
      this.#waiting = state === "waiting";
      if (this.#waiting) this.#count("Couldn’t reach the server. Your message is kept. Trying again", ms);
    };
    try {
      const note = await this.#patiently(content, { signal: attempt.signal, onState, tries: Infinity, idempotencyKey }, attempt);
      // Who has gone elsewhere meanwhile has begun to type there.
      if (draft !== this.#draft) return forgetDraft(draft.place);
      sending(draft.place, null);
      this.#box.value = "";
      this.#tray?.sent(blocks);
      this.#typed();
      this.notice(note ?? null);
      if (this.#stopping) this.#actions.stop();
    } catch (error) {
      if (attempt.signal.aborted) this.notice(null);
      else await this.refused(error);
      if (error.status === 422) sending(draft.place, null); // its key stands for the same with other settings
    } finally {
      if (this.#attempt === attempt) {
        this.#attempt = null;
        this.#box.readOnly = false;
        this.running = this.#running;
        // Who does something else meanwhile goes on with it.
        const { activeElement } = document;
        if (activeElement === document.body || this.#form.contains(activeElement)) this.focus();
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
        this.#count(`${await inWords(error)} Sending yours again`, ms);
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

  #pasted(event) {
    const files = [...event.clipboardData.files];
    const text = event.clipboardData.getData("text/plain");
    if (files.length && !isText(text, files)) {
      event.preventDefault();
      return this.#attach(files);
    }
    if (text.length < LONG_PASTE && text.split("\n").length < LONG_PASTE_LINES) return;
    event.preventDefault();
    this.#fold(text);
  }

  /** A long text lies beside the box as a file does; where that cannot be, it is put in. */
  async #fold(text) {
    const draft = this.#draft;
    if (await this.#opened((tray) => tray.addText(text, draft.place)).catch(() => false)) return;
    if (draft === this.#draft) this.#put(text);
    else keepText(draft.place, textOf(draft.place) + text);
  }

  /** Puts a text in where the cursor is, as if it were typed. */
  #put(text) {
    this.#box.setRangeText(text, this.#box.selectionStart, this.#box.selectionEnd, "end");
    this.#typed();
  }

  async #attach(files) {
    if (!files.length) return;
    this.notice(null);
    const draft = this.#draft;
    const lost = "Couldn’t load what files need. Reload the page, then attach them again. What you typed is kept.";
    await this.#opened((tray) => void tray.add(files, draft.place)).catch(() => this.notice(lost));
  }

  /** Where files lie. Rejects where what they need cannot be loaded. */
  #trayed() {
    const page = {
      changed: () => this.#refresh(),
      say: (lines) => lines.length && this.notice(lines),
      limit: () => this.#actions.limit(),
      put: (text) => this.#put(text),
      focus: () => this.focus(),
    };
    this.#loading ??= Promise.all([import("/chat/composing/tray.js"), looks()]).then(
      ([{ Tray }]) => (this.#tray = new Tray(document.querySelector("#files"), page, this.#draft.place)),
      (error) => ((this.#loading = null), Promise.reject(error)),
    );
    return this.#loading;
  }

  async #openTray() {
    const { place } = this.#draft;
    if (!this.#loading && !(place in filed())) return;
    const lost = "The files of this draft couldn’t be loaded. Reload the page to try again.";
    await this.#opened((tray) => tray.open(place)).catch(() => this.notice(lost));
  }

  /** Does something where files lie; until it is done, nothing is sent without what comes of it. */
  async #opened(work) {
    this.#opening++;
    this.#refresh();
    try {
      return await work(await this.#trayed());
    } finally {
      this.#opening--;
      this.#refresh();
    }
  }

  /** Files may be dropped anywhere; while they are held over the page, it shows where they go. */
  #watchDrops() {
    let timer;
    const over = (is) => {
      clearTimeout(timer);
      // Who leaves the window with them is told of by no event that all browsers have.
      if (is) timer = setTimeout(over, 1000, false);
      document.body.classList.toggle("dropping", is);
    };
    for (const name of ["dragenter", "dragover", "drop"]) {
      addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault(); // the browser would leave the page for the file
        const isFree = !document.querySelector("dialog[open]");
        over(isFree && name !== "drop");
        looks();
        if (isFree && name === "drop") this.#attach([...event.dataTransfer.files]);
      });
    }
  }

  #typed() {
    this.#keep();
    this.#grow();
  }

  #grow() {
    this.#refresh();
    // Where the style sheet cannot (field-sizing), the box grows here.
    if (CSS.supports("field-sizing", "content")) return;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }

  #refresh() {
    const isReading = this.#opening > 0 || this.#tray?.isBusy === true;
    this.#sendButton.disabled = this.#isEmpty || isReading;
    if (!isReading && this.#notice.textContent.startsWith(READING)) this.notice(null);
  }

  #keep() {
    if (keepText(this.#draft.place, this.#box.value) || this.#told) return;
    this.#told = true;
    this.notice(NOT_KEPT);
  }

  #restore() {
    this.#box.value = textOf(this.#draft.place);
    this.#grow();
  }
}

function looks() {
  return import("/chat/composing/look.js").then(({ look }) => look(), () => {});
}
