/**
 * How a session is opened. The rule: a key goes to this server once, and is kept nowhere; and another account finds nothing
 * of the one before.
 */

import { kept, OWNER } from "/chat/session.js";

/** Opens a session; what keeps it from opening, or null. */
export async function open(key) {
  if (!/^[!-~]+$/.test(key)) return "That doesn’t look like a key. Check for spaces and special characters.";
  let answer;
  try {
    answer = await fetch("/session", { method: "POST", headers: { authorization: `Bearer ${key}` } });
  } catch {
    return "Couldn’t reach the server. Try again.";
  }
  if (answer.ok) {
    const [before, owner] = [kept(OWNER), answer.headers.get("x-keepstream-owner")];
    if (before !== null && before !== owner) await (await import("/chat/door/forgetting.js")).forget();
    keep(OWNER, owner);
    return null;
  }
  const { error } = await answer.json().catch(() => ({}));
  return answer.status === 401 ? "This key isn’t valid here. It may have expired or been revoked." : (error?.message ?? `Something went wrong on the server (${answer.status}).`);
}

export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // It is known for as long as the page is open.
  }
}
