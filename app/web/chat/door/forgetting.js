/** What this browser keeps of an account besides its session: nobody else's business. Loaded when one leaves. */

import { forgetDrafts } from "/chat/composing/draft.js";
import { keep } from "/chat/door/opening.js";
import { OWNER, SIGNED_IN } from "/chat/session.js";
import { Settings } from "/chat/settings.js";

export function forget() {
  const settings = new Settings();
  for (const name of ["system", "model"]) if (settings.get(name)) settings.set(name, "");
  if (Object.keys(settings.get("tools")).length) settings.set("tools", {});
  return forgetDrafts();
}

/** Ends the session, here and on the server, and begins anew. Throws where that is not reached. */
export async function leave() {
  const answer = await fetch("/session", { method: "DELETE" });
  if (!answer.ok) throw new Error(`Couldn’t sign you out (${answer.status}). Try again.`);
  await forget();
  keep(SIGNED_IN, null);
  keep(OWNER, null);
  location.reload();
}
