/** Follows the end of the log while its reader is there, and stays where the reader is otherwise. */

/** So close to the end counts as the end. */
const NEAR = 40;

export class Following {
  #view;
  #button;
  #atEnd = true;
  #top = 0;

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

  /** Only who goes up leaves the end: what grows meanwhile moves it away from who stays. */
  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.#view;
    const up = scrollTop < this.#top;
    this.#top = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.#atEnd = true;
    else if (up) this.#atEnd = false;
    this.#button.hidden = this.#atEnd;
  }
}
