/** Follows the end of the log while its reader is there, and stays where the reader is otherwise. */

/** So close to the end counts as the end. */
const NEAR = 40;

export class Following {
  #view;
  #button;
  #atEnd = true;

  /** @param {HTMLElement} view what scrolls @param {HTMLElement} content what grows @param {HTMLElement} button back to the end */
  constructor(view, content, button) {
    this.#view = view;
    this.#button = button;
    button.addEventListener("click", () => this.end());
    view.addEventListener("scroll", () => this.#look(), { passive: true });
    new ResizeObserver(() => {
      if (this.#atEnd) view.scrollTop = 1e9;
      else this.#look();
    }).observe(content);
    new ResizeObserver(() => this.#atEnd && (view.scrollTop = 1e9)).observe(view);
  }

  /** Goes to the end and follows it. */
  end() {
    this.#atEnd = true;
    this.#view.scrollTop = 1e9;
    this.#button.hidden = true;
  }

  #look() {
    this.#atEnd = this.#view.scrollHeight - this.#view.scrollTop - this.#view.clientHeight < NEAR;
    this.#button.hidden = this.#atEnd;
  }
}
