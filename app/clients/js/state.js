/**
 * What a stream's events amount to: the answer as it stands, and what is going on. Pure; React is not known here.
 *
 * The rule: each event makes a new state, and one that nobody knows makes none. `now` is `Date.now()`.
 */

/**
 * @import { StreamEvent, StreamState } from "./shapes.js"
 */

/** Nothing is waited for, and nothing is lost. */
const CALM = { position: null, reason: null, retryAt: null, tokens: null };

const GOING = {
  queued: "waiting",
  held: "held",
  thinking: "thinking",
  running: "writing",
  waiting: "asking",
  "relay.retry": "retrying",
};

/** Before anything has come. @type {StreamState} */
export const IDLE = {
  id: null,
  status: "idle",
  ...CALM,
  turns: [],
  blocks: [],
  approvals: [],
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
  // A worker that runs tools asks more than once, and in each turn the blocks are counted from nothing.
  const { turns } = state;
  const others = state.approvals.filter((one) => one.tool_use_id !== data.tool_use_id);
  const turn = turns[turns.length - 1] ?? [];
  const block = turn[data.index];
  const hold = (turns) => ({ turns, blocks: turns.flat() });
  const put = (block) => hold([...turns.slice(0, -1), Object.assign([...turn], { [data.index]: block })]);
  switch (type) {
    case "message_start":
      return says("thinking", { model: data.message?.model ?? null, ...hold([...turns, []]) });
    case "content_block_start":
      return says("thinking", put({ ...data.content_block }));
    case "content_block_delta": {
      const { type: kind = "", citation, ...delta } = data.delta ?? {};
      // `text_delta` has a `text` to be added to its block's, and so have the others, but for this one's name.
      const field = kind === "input_json_delta" ? "partial_json" : kind.slice(0, -6);
      if (!block || !(citation || delta[field])) return state;
      const more = citation
        ? { citations: [...(block.citations ?? []), citation] }
        : { [field]: (block[field] ?? "") + delta[field] };
      return says(block.type === "text" ? "writing" : "thinking", put({ ...block, ...more }));
    }
    case "content_block_stop": {
      const { partial_json, ...whole } = block ?? {};
      try {
        return says("thinking", partial_json && put({ ...whole, input: JSON.parse(partial_json) }));
      } catch {
        return says("thinking"); // it was cut off at the answer's limit: it stays as it came
      }
    }
    case "relay.partial":
      return block ? { ...state, ...put({ ...block, value: data.value }) } : state;
    case "relay.status":
    case "relay.retry": {
      const { state: at = type, position = null, reason = null, retry_in_ms, output_tokens = null } = data;
      const retryAt = retry_in_ms ? now + retry_in_ms : null;
      return says(GOING[at] ?? state.status, { position, reason, retryAt, tokens: output_tokens });
    }
    case "relay.reset": {
      // A turn that breaks begins again alone: those before it stand, and so do their tools' results.
      const kept = turns.slice(0, data.turn ? data.turn - 1 : 0);
      return says("waiting", { reason: data.reason, approvals: [], ...hold(kept) });
    }
    case "relay.approval":
      return says("asking", { approvals: [...others, data] });
    case "relay.tool": {
      const given = (one) => (one.id === data.tool_use_id ? { ...one, result: data } : one);
      return says(others[0] ? "asking" : "thinking", { approvals: others, ...hold(turns.map((turn) => turn.map(given))) });
    }
    case "relay.end":
      return says("ended", { approvals: [], outcome: data.outcome, end: data });
    default:
      return state;
  }
}

/** Of all turns, with a blank line between two. @param {{ turns: import("./shapes.js").Block[][] }} state */
export function textOf({ turns }) {
  const texts = turns.map((turn) => turn.map((block) => (block.type === "text" ? block.text : "")).join(""));
  return texts.filter(Boolean).join("\n\n");
}
