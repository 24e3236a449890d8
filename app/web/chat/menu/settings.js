/** The dialog of the settings. Loaded when it is opened; it is made anew each time. */

import { cancels, h } from "/chat/dom.js";

/**
 * Shows it; resolves when it is closed, to the system prompt of the open chat where that was saved, or to undefined.
 * @param {{ get(name: string): any, set(name: string, value: any): void }} settings
 * @param {object} of
 * @param {string | null | undefined} of.system the open chat's; undefined where none is open
 * @param {string[]} of.remaining what is left of one's limits
 * @param {(() => void) | null} of.signOut null where one is not signed in
 */
export function edit(settings, { system, remaining, signOut }) {
  const here = h("textarea", { name: "here", rows: "3" });
  const all = h("textarea", { name: "system", rows: "3", placeholder: "How Claude should answer" });
  const enter = h("input", { type: "checkbox", name: "enter" });
  const theme = h("select", { name: "theme" },
    [["auto", "System"], ["light", "Light"], ["dark", "Dark"]].map(([value, text]) => h("option", { value }, text)));
  here.value = system ?? "";
  all.value = settings.get("system");
  enter.checked = settings.get("enter");
  theme.value = settings.get("theme");
  const dialog = h("dialog", { id: "settings", "aria-labelledby": "settings-title" }, h("form", { method: "dialog" },
    h("h2", { id: "settings-title" }, "Settings"),
    system === undefined ? null : h("label", {}, "System prompt for this chat", here),
    h("label", {}, "System prompt for new chats", all),
    h("label", { class: "check" }, enter, " Enter sends the message (Shift+Enter starts a new line)"),
    h("label", {}, "Appearance", theme),
    h("div", { id: "remaining", class: "note" }, remaining.map((text) => h("p", {}, text))),
    h("div", { class: "row" },
      signOut ? h("button", { type: "button", id: "sign-out", onclick: () => (dialog.close(), signOut()) }, "Sign out") : null,
      h("span", { class: "space" }), h("button", { type: "button", class: "cancel" }, "Cancel"),
      h("button", { value: "save", class: "primary" }, "Save"))));
  cancels(dialog);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue !== "save") return resolve(undefined);
      settings.set("theme", theme.value);
      settings.set("system", all.value.trim());
      settings.set("enter", enter.checked);
      resolve(system === undefined ? undefined : here.value.trim() || null);
    }, { once: true });
  });
}
