/**
 * What a stream's events amount to: the answer as it stands, and what is going on. Pure; React is not known here.
 *
 * The rule: each event makes a new state, and one that nobody knows makes none. `now` is `Date.now()`.
 */

/**
 * @import { StreamEvent, StreamState } from "./shapes.js"
 */

/** Nothing is waited for, and nothing is lost. */
const CALM = { position: null, reason: null, retryAt: null };

const GOING = { queued: "waiting", held: "held", thinking: "thinking", "relay.retry": "retrying" };

/** Before anything has come. @type {StreamState} */
export const IDLE = {
  id: null,
  status: "idle",
  ...CALM,
  blocks: [],
  begins: 0,
  model: null,
  outcome: null,
  end: null,
  error: null,
};

/**
 * @param {StreamState} state
 * @param {StreamEvent} event
 * @param {number} [now]
 * @returns {StreamState}
 */
export function reduce(state, { type, data }, now = Date.now()) {
  const says = (status, more) => ({ ...state, ...CALM, status, ...more });
  // A worker that runs tools asks more than once, and each time the blocks are counted from nothing.
  const { blocks, begins } = state;
  const at = begins + data.index;
  const block = blocks[at];
  const put = (block) => Object.assign([...blocks], { [at]: block });
  switch (type) {
    case "message_start":
      return says("thinking", { model: data.message?.model ?? null, begins: blocks.length });
    case "content_block_start":
      return says("thinking", { blocks: put({ ...data.content_block }) });
    case "content_block_delta": {
      const { type: kind = "", citation, ...delta } = data.delta ?? {};
      // `text_delta` has a `text` to be added to its block's, and so have the others, but for this one's name.
      const field = kind === "input_json_delta" ? "partial_json" : kind.slice(0, -6);
      if (!block || !(citation || delta[field])) return state;
      const more = citation
        ? { citations: [...(block.citations ?? []), citation] }
        : { [field]: (block[field] ?? "") + delta[field] };
      return says(block.type === "text" ? "writing" : "thinking", { blocks: put({ ...block, ...more }) });
    }
    case "content_block_stop": {
      const { partial_json, ...whole } = block ?? {};
      try {
        return says("thinking", partial_json && { blocks: put({ ...whole, input: JSON.parse(partial_json) }) });
      } catch {
        return says("thinking"); // it was cut off at the answer's limit: it stays as it came
      }
    }
    case "relay.status":
    case "relay.retry": {
      const { state: at = type, position = null, reason = null, retry_in_ms } = data;
      return says(GOING[at] ?? state.status, { position, reason, retryAt: retry_in_ms ? now + retry_in_ms : null });
    }
    case "relay.reset":
      return says("waiting", { reason: data.reason, blocks: [] });
    case "relay.tool":
      return { ...state, blocks: blocks.map((one) => (one.id === data.tool_use_id ? { ...one, result: data } : one)) };
    case "relay.end":
      return says("ended", { outcome: data.outcome, end: data });
    default:
      return state;
  }
}
