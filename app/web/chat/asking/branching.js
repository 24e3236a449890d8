/** Another way that a chat can go: a version that is there, or a branch that begins. It is loaded when somebody goes it. */

import { json } from "/chat/sidebar.js";

/** Makes the branch active in which a message stands, and shows it; false where that cannot be. */
export async function version(id, { client, conversation, composer, announce }) {
  const no = (text) => composer.notice(text) ?? false;
  if (composer.busy) return no("Claude is still answering. Wait until it’s done, or stop it first.");
  try {
    await client.request(`${conversation.path}/version`, json("POST", { message_id: id }));
  } catch (error) {
    if (error.status === 400) return no("This version isn’t kept anymore.");
    throw error;
  }
  await conversation.refresh();
  announce.say(document.querySelector(`[data-id="${id}"] .versions`)?.getAttribute("aria-label"));
  return true;
}

/** A new chat that goes as this one did up to a message. */
export async function fork(at, { client, conversation, sidebar, go }) {
  const made = await (await client.request(`${conversation.path}/fork`, json("POST", { at }))).json();
  await sidebar.changed();
  go(made.id);
}
