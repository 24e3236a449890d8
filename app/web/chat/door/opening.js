/** How a session is opened. The rule: a key goes to this server once, and is kept nowhere. */

/** Opens a session; what keeps it from opening, or null. */
export async function open(key) {
  if (!/^[!-~]+$/.test(key)) return "That doesn’t look like a key. Check for spaces and special characters.";
  let answer;
  try {
    answer = await fetch("/session", { method: "POST", headers: { authorization: `Bearer ${key}` } });
  } catch {
    return "Couldn’t reach the server. Try again.";
  }
  if (answer.ok) return null;
  const { error } = await answer.json().catch(() => ({}));
  return answer.status === 401 ? "This key isn’t valid here. It may have expired or been revoked." : (error?.message ?? `Something went wrong on the server (${answer.status}).`);
}
