/** Follows the end of the log while its reader is there, and stays where the reader is otherwise. */

/** Who comes so close to the end has come back to it. */
const NEAR = 40;
/** Less than this is rounding. */
const MOVED = 1;
/** Beyond any end: the browser makes the end of it. */
const BEYOND = 1e9;
const UPWARDS = new Set(["ArrowUp", "PageUp", "Home"]);

export class Following {
  #view;
  #button;
  #atEnd = true;
  #top = 0;
  /** Whether somebody else keeps the place. */
  held = false;

  /** @param {HTMLElement} view what scrolls @param {HTMLElement} content what grows @param {HTMLElement} button back to the end */
  constructor(view, content, button) {
    this.#view = view;
    this.#button = button;
    button.addEventListener("click", () => this.end());
    view.addEventListener("scroll", () => this.#moved(), { passive: true });
    this.#watchIntent();
    new ResizeObserver(() => this.#resized()).observe(content);
    new ResizeObserver(() => this.#resized()).observe(view);
  }

  /** Goes to the end and follows it. */
  end() {
    this.held = false;
    this.#atEnd = true;
    this.#follow();
    this.#button.hidden = true;
  }

  #follow() {
    this.#view.scrollTop = BEYOND;
    this.#top = this.#view.scrollTop;
  }

  /** Only who goes up leaves the end, and does so with the first pixel: what grows moves it away from who stays. */
  #moved() {
    if (this.held) return;
    const { scrollTop } = this.#view;
    const by = scrollTop - this.#top;
    this.#top = scrollTop;
    if (by < 0 && this.#left > MOVED) this.#atEnd = false;
    else if (by > 0 && this.#left < NEAR) this.#atEnd = true;
    this.#button.hidden = this.#atEnd;
  }

  #resized() {
    if (this.held) return;
    if (this.#left <= MOVED) this.#atEnd = true;
    else if (this.#atEnd) this.#follow();
    this.#button.hidden = this.#atEnd;
  }

  /**
   * Who turns the wheel has left before anything moves: to follow meanwhile would undo it, since the browser forgets a
   * movement when the page sets the place itself.
   */
  #watchIntent() {
    const view = this.#view;
    const leave = () => {
      if (view.scrollTop > 0) this.#atEnd = false;
    };
    view.addEventListener("wheel", ({ deltaY, ctrlKey }) => deltaY < 0 && !ctrlKey && leave(), { passive: true });
    view.addEventListener("keydown", ({ key }) => UPWARDS.has(key) && leave());
    let finger = 0;
    view.addEventListener("touchstart", ({ touches }) => (finger = touches[0].clientY), { passive: true });
    view.addEventListener(
      "touchmove",
      ({ touches }) => {
        if (touches[0].clientY > finger) leave();
        finger = touches[0].clientY;
      },
      { passive: true },
    );
  }

  /** How much is below what is seen. */
  get #left() {
    const { scrollTop, scrollHeight, clientHeight } = this.#view;
    return scrollHeight - scrollTop - clientHeight;
  }
}
