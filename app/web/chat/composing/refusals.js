/**
 * Why a message was not taken, in words for a person: what happened, and what one can do. Pure; loaded with the first refusal.
 * The rule: what the server says is read for its numbers, and is said as it is where nobody knows it here.
 */

import { megabytes, own, trouble } from "/chat/words.js";

const number = new Intl.NumberFormat("en");
const tokens = (text) => number.format(Number(text));
const day = (iso) => new Date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

/** A status, what the server says with it, and what a person is told. */
const REFUSALS = [
  [400, /longer than the model's context: (\d+) tokens, and \S+ takes (\d+)/, (all, most) =>
    `This chat is too long for the model: ${tokens(all)} tokens, and it can read ${tokens(most)}. Shorten your message, remove a file, or start a new chat.`],
  [402, /of \$([\d.]+) a (\w+), \$([\d.]+) .* begins at (\S+)$/, (most, per, left, at) =>
    `You have $${left} left of $${most} a ${per}, and this could cost more. The next ${per} starts ${day(at)}. Try a shorter answer or a smaller model, or start a new chat.`],
  [402, /(.*)/, (text) => `Not enough is left of your budget. ${own(text)}`],
  [403, /^model: none .*\(models: (.*)\)/, (models) => `You can’t use this model here. Choose another one: ${models}.`],
  [403, /^model: its price/, () => "Nobody knows what this model costs, so your budget can’t cover it. Choose another one."],
  [403, /\(max_tokens: (\d+)\)/, (most) => `Answers can have ${tokens(most)} tokens at most here. Choose a short answer beside the model.`],
  [403, /(.*)/, (text) => `This is not allowed here. ${own(text)}`],
  [409, /still runs/, () => "An answer is still being written in this chat. Wait until it’s done, or stop it first."],
  [413, /larger than (\d+) bytes/, (bytes) => `That’s too large to send: a message can be ${megabytes(bytes)}. Shorten it, or remove a file.`],
  [413, /the conversation/, () => "This chat is as large as it can be. Start a new one, or branch from an earlier message."],
  [429, /no more than (\d+) streams/, (most) => `You already have ${most} ${most === "1" ? "answer" : "answers"} under way.`],
  [429, /no more than (\d+) (.*) a minute/, (most, what) => `You’ve reached your limit of ${tokens(most)} ${what} a minute.`],
  [429, /too many streams/, () => "Many requests are waiting right now."],
];

/** @param {{ status?: number, message?: string }} error */
export function refused(error) {
  for (const [status, said, words] of REFUSALS) {
    const found = status === error.status && said.exec(error.message ?? "");
    if (found) return words(...found.slice(1));
  }
  return trouble(error);
}
