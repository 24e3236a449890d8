/** The dialog of the settings. Loaded when it is opened; it is made anew each time. */

import { cancels, h } from "/chat/dom.js";
import { trouble } from "/chat/words.js";

const number = new Intl.NumberFormat("en");

/**
 * Shows it; resolves when it is closed. What was refused leaves it open, with what was typed.
 * @param {{ get(name: string): any, set(name: string, value: any): void }} settings
 * @param {object} of
 * @param {string | null | undefined} of.system the open chat's; undefined where none is open
 * @param {(system: string | null) => Promise<void>} of.save says the open chat's
 * @param {Record<string, { limit: number, left: number, reset: number }>} of.limits as far as the server has told
 * @param {number} of.now by the server's clock
 * @param {(() => void) | null} of.signOut null where one is not signed in
 */
export function edit(settings, { system, save, limits, now, signOut }) {
  const here = h("textarea", { name: "here", rows: "3" });
  const all = h("textarea", { name: "system", rows: "3", placeholder: "How Claude should answer" });
  const enter = h("input", { type: "checkbox", name: "enter" });
  const theme = h("select", { name: "theme" },
    [["auto", "System"], ["light", "Light"], ["dark", "Dark"]].map(([value, text]) => h("option", { value }, text)));
  here.value = system ?? "";
  all.value = settings.get("system");
  enter.checked = settings.get("enter");
  theme.value = settings.get("theme");
  const button = h("button", { class: "primary" }, "Save");
  const refused = h("p", { class: "note", role: "alert", hidden: true });
  const saved = async (event) => {
    event.preventDefault();
    const said = here.value.trim() || null;
    try {
      button.disabled = true;
      if (system !== undefined && said !== (system ?? null)) await save(said);
    } catch (error) {
      refused.hidden = button.disabled = false;
      refused.textContent = trouble(error);
      return;
    }
    settings.set("theme", theme.value);
    settings.set("system", all.value.trim());
    settings.set("enter", enter.checked);
    dialog.close();
  };
  const dialog = h("dialog", { id: "settings", "aria-labelledby": "settings-title" }, h("form", { method: "dialog", onsubmit: saved },
    h("h2", { id: "settings-title" }, "Settings"),
    system === undefined ? null : h("label", {}, "System prompt for this chat", here),
    h("label", {}, "System prompt for new chats", all),
    h("label", { class: "check" }, enter, " Enter sends the message (Shift+Enter starts a new line)"),
    h("label", {}, "Appearance", theme),
    h("div", { id: "remaining", class: "note" }, remaining(limits, now).map((text) => h("p", {}, text))),
    h("div", { class: "row" },
      signOut ? h("button", { type: "button", id: "sign-out", onclick: () => (dialog.close(), signOut()) }, "Sign out") : null,
      h("span", { class: "space" }), h("button", { type: "button", class: "cancel" }, "Cancel"), button), refused));
  cancels(dialog);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve();
    }, { once: true });
  });
}

/**
 * What is left of one's limits: `12 of 60 requests a minute are left, all of them at 14:05.`
 * @param {Record<string, { limit: number, left: number, reset: number }>} limits
 */
export function remaining(limits, now) {
  return Object.entries(limits).map(([kind, { limit, left, reset }]) => {
    const what = `${number.format(limit)} ${kind === "requests" ? "requests" : "output tokens"} a minute`;
    if (left >= limit || reset <= now) return `All of ${what} are left.`;
    const all = reset ? `, all of them at ${new Date(reset).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" })}` : "";
    return `${number.format(Math.max(0, left))} of ${what} are left${all}.`;
  });
}
