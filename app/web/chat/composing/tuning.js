/**
 * How an answer is asked for: what is set beside the model, as fields of the Messages API. Pure; loaded where somebody has
 * set something, or where what was asked for was refused.
 *
 * The rule: nothing is sent that the model says it does not take. What an owner's limits leave no room for is asked for again
 * with less, as long as that is an answer.
 */

/** A page of text or two; what is thought counts, too. Less is no answer worth a budget: then the refusal is told. */
export const SHORT_TOKENS = 2048;
/** From the least to the most. */
export const EFFORTS = ["low", "medium", "high", "xhigh", "max"];
/** More than this is for thinking alone. */
const MOST_WITHOUT_THINKING = "high";
const BUDGET_TOKENS_MIN = 1024;
const BUDGET_TOKENS_MAX = 16_000;
/** Hardly an answer is longer. */
const NOTICED_TOKENS = 10_000;
const number = new Intl.NumberFormat("en");

/** Which kinds of thinking and which efforts a model takes. Where it does not say, what newer ones take. */
export function can(model) {
  const { thinking, effort } = model?.capabilities ?? {};
  const is = (kind) => thinking?.types?.[kind]?.supported;
  const off = ["disabled", "between_tools"].find(is);
  return {
    on: !thinking || is("adaptive") ? "adaptive" : is("enabled") ? "enabled" : null,
    off: off ?? null,
    efforts: EFFORTS.filter((name) => effort?.supported && effort[name]?.supported),
  };
}

/**
 * The fields of a request.
 * @param {{ thinking: string, effort: string, length: string }} wanted each empty where the model decides
 * @param {object | undefined} model as `GET /v1/models` has it
 * @param {number} most how long an answer may be, in tokens
 */
export function fieldsOf({ thinking, effort, length }, model, most) {
  const { on, off, efforts } = can(model);
  const fields = { max_tokens: length === "short" ? Math.min(SHORT_TOKENS, most) : most };
  if (thinking === "on" && on === "adaptive") fields.thinking = { type: on, display: "summarized" };
  if (thinking === "on" && on === "enabled") fields.thinking = { type: on };
  if (thinking === "off" && off) fields.thinking = { type: off };
  if (efforts.includes(effort)) {
    const tooMuch = thinking === "off" && EFFORTS.indexOf(effort) > EFFORTS.indexOf(MOST_WITHOUT_THINKING);
    fields.output_config = { effort: tooMuch ? MOST_WITHOUT_THINKING : effort };
  }
  return budgeted(fields);
}

/** A model that wants to be told how much to think is told half of the answer, and never all of it. */
function budgeted({ thinking, ...fields }) {
  if (thinking?.type !== "enabled") return thinking ? { ...fields, thinking } : fields;
  const budget_tokens = Math.max(BUDGET_TOKENS_MIN, Math.min(BUDGET_TOKENS_MAX, Math.floor(fields.max_tokens / 2)));
  return budget_tokens < fields.max_tokens ? { ...fields, thinking: { ...thinking, budget_tokens } } : fields;
}

/** The length that a refusal says is allowed, or null. */
export function allowed({ status, message }) {
  const told = status === 403 && /\(max_tokens: (\d+)\)/.exec(message);
  return told ? Number(told[1]) : null;
}

/** What to ask for instead of what was refused, or null: with what is allowed, or with what a budget may have room for. */
export function less(fields, error) {
  const most = allowed(error) ?? (error.status === 402 ? Math.max(SHORT_TOKENS, Math.floor(fields.max_tokens / 4)) : Infinity);
  return most < fields.max_tokens ? budgeted({ ...fields, max_tokens: most }) : null;
}

/** What is said when there was room for a shorter answer only, if that is one that people would notice. */
export function shortened({ max_tokens }) {
  return max_tokens >= NOTICED_TOKENS ? null : `Your budget has room for about ${number.format(max_tokens)} tokens, so this answer can’t be longer.`;
}

/** What differs from what a model does by itself, in a few words. */
export function labelOf({ thinking, effort, length }, model) {
  const { on, off, efforts } = can(model);
  const words = [
    thinking === "on" && on ? "Thinking" : thinking === "off" && off ? "No thinking" : "",
    efforts.includes(effort) ? `${nameOf(effort)} effort` : "",
    length === "short" ? "Short" : "",
  ];
  return words.filter(Boolean).join(" · ");
}

export function nameOf(effort) {
  return effort === "xhigh" ? "Extra high" : effort.charAt(0).toUpperCase() + effort.slice(1);
}
