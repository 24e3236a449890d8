/** What the menu of a conversation does. Loaded when it is used. */

import { copy, h } from "/chat/dom.js";
import { retitled } from "/chat/list/doing.js";

/** Does what the entry of that name says. Throws what refused it. */
export async function doing(name, { conversation, client, sidebar }) {
  const { id, path, title } = conversation;
  const menu = document.querySelector("#menu summary");
  switch (name) {
    case "rename":
      return rename(conversation, sidebar);
    case "link":
      return copy(location.href, menu);
    case "delete":
      return sidebar.do("ask", id, title);
  }
  const kind = name === "json" ? "json" : "markdown";
  const answer = await client.request(`${path}/export?format=${kind}`);
  if (name === "copy") return copy(await answer.text(), menu);
  const address = URL.createObjectURL(await answer.blob());
  h("a", { href: address, download: `${id}.${kind === "json" ? "json" : "md"}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Puts a box in the heading's place. */
async function rename({ id, title }, sidebar) {
  const chosen = await retitled(document.querySelector("#title"), title ?? "", { class: "title" });
  if (chosen !== null) sidebar.do("rename", id, chosen || null);
}
