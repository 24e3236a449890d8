/** A form with a box in it: Escape leaves it, and what sends a message submits it. */

import { keyOf, sends } from "/chat/keys.js";

/** @param {() => void} leave @returns {(event: KeyboardEvent) => void} the form's `onkeydown` */
export function keyed(leave) {
  return (event) => {
    if (keyOf(event) === "Escape") {
      event.stopPropagation();
      leave();
    } else if (sends(event)) {
      event.preventDefault();
      event.currentTarget.requestSubmit();
    }
  };
}
