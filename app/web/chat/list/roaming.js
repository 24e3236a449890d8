/**
 * The keys of the list, loaded when somebody comes to it. The rule: for the keyboard it is one stop; arrows lead on from there,
 * up and down to the chats, right and left to what one can do with each.
 */

import { keyOf } from "/chat/keys.js";

export function roam(list) {
  list.addEventListener("keydown", (event) => {
    const item = event.target.closest("li");
    if (!item || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const links = [...list.querySelectorAll("a")];
    const stops = [...item.querySelectorAll("a, button")];
    const [row, stop] = [links.indexOf(stops[0]), stops.indexOf(event.target)];
    const to = {
      ArrowDown: () => links[row + 1]?.focus(),
      ArrowUp: () => (links[row - 1] ?? document.querySelector("#search")).focus(),
      ArrowRight: () => stops[stop + 1]?.focus(),
      ArrowLeft: () => stops[stop - 1]?.focus(),
      Home: () => links[0].focus(),
      End: () => links.at(-1).focus(),
      F2: () => stops[1].click(),
      Delete: () => stops[2].click(),
    }[keyOf(event)];
    if (!to) return;
    event.preventDefault();
    to();
  });
  list.addEventListener("focusin", (event) => {
    const link = event.target.closest("li")?.querySelector("a");
    for (const other of list.querySelectorAll('a[tabindex="0"]')) other.tabIndex = -1;
    if (link) link.tabIndex = 0;
  });
  document.querySelector("#search").addEventListener("keydown", (event) => keyOf(event) === "ArrowDown" && list.querySelector("a")?.focus());
  list.dataset.roams = "";
}
