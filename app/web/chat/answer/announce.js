/**
 * What a screen reader hears of an answer: sentences, not tokens. The text on the page is silent; this says it once.
 */

const QUIET_MS = 400;
/** What has been said long ago is taken away. */
const KEPT = 20;

export class Announcer {
  #region;
  #rest = "";
  #ready = "";
  #timer = null;

  /** @param {HTMLElement} region a visually hidden live region */
  constructor(region) {
    this.#region = region;
  }

  /** More text of the answer, as Markdown. */
  add(text) {
    this.#rest += text;
    const end = Math.max(...[...this.#rest.matchAll(/[.!?:](?=\s)|\n/g)].map((match) => match.index + 1), 0);
    if (!end) return;
    this.#ready += this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    this.#timer ??= setTimeout(() => this.#say(), QUIET_MS);
  }

  /** All that is left, and a closing word. */
  end(word) {
    this.#ready += `${this.#rest} ${word}`;
    this.#rest = "";
    this.#say();
  }

  /** What was not said yet is not said any more. */
  drop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#ready = this.#rest = "";
  }

  /** Says something else. */
  say(word) {
    const line = document.createElement("p");
    line.textContent = word;
    this.#region.append(line);
    while (this.#region.childElementCount > KEPT) this.#region.firstElementChild.remove();
  }

  #say() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const text = this.#ready.replace(/```[^\n]*/g, "").replace(/[*_`#>|]+/g, "").replace(/\s+/g, " ").trim();
    this.#ready = "";
    if (text) this.say(text);
  }
}
