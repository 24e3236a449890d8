/**
 * Which of a message's versions stands here, and the ways to the others: ‹2/3›. The rule: what is the same stays, and with
 * it the focus; whoever goes to another version finds the focus on the same arrow there.
 */

import { h, iconButton } from "/chat/dom.js";

/**
 * Puts the arrows first among a message's tools, or takes them away.
 * @param {{ id: string, versions?: string[] }} message
 * @param {object} does `version(id, step)`
 */
export function versions(tools, { id, versions: ids = [] }, does) {
  const old = tools.querySelector(":scope > .versions");
  if (old?.dataset.of === String(ids)) return;
  old?.remove();
  if (ids.length < 2) return;
  const at = ids.indexOf(id);
  const arrow = (name, label, step) =>
    iconButton(name, label, () => does.version(ids[at + step], step), { "data-step": step, disabled: !ids[at + step] });
  tools.prepend(h("span", { class: "versions", role: "group", "aria-label": `Version ${at + 1} of ${ids.length}`, "data-of": ids },
    arrow("back", "Previous version", -1), `${at + 1}/${ids.length}`, arrow("on", "Next version", 1)));
}

/** The focus goes to the arrow by which one came, or to the other one where the way ends. */
export function refocus(tools, step) {
  const [way, other] = [step, -step].map((one) => tools?.querySelector(`.versions [data-step="${one}"]`));
  (way?.disabled ? other : way)?.focus();
}
