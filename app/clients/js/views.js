/**
 * The shapes of what a view is given, and of what it may do: types only, nothing of it runs.
 */

/**
 * @import { Approval, Block, Body, CallOptions, ConversationMessage, End, Given, Outcome, Said, Saying, SubmitOptions }
 *   from "./shapes.js"
 */

/**
 * What is going on, as the page tells it. `waiting` in the line, at `position`; `held`: the Claude API asks to slow
 * down; `retrying`: it failed, and is asked again; `reconnecting`: the connection is lost. These three go on in `seconds`.
 * `asking`: a person is to approve the call of a tool.
 * @typedef {"idle" | "loading" | "submitting" | "waiting" | "held" | "thinking" | "writing" | "asking" | "retrying"
 *   | "reconnecting"} Going
 */

/**
 * What an answer amounts to.
 * @typedef {object} AnswerState
 * @property {string | null} id of its stream
 * @property {Block[][]} turns its content turn by turn, each as in a Message. A tool's call has its `result`, if a worker
 *   ran it; `value` is what there is of JSON (`relay.partial`)
 * @property {Block[]} blocks the same in one piece
 * @property {Approval[]} approvals the calls that wait for a person to approve them
 * @property {string | null} model
 * @property {number | null} position
 * @property {string | null} reason why it is tried, or began, again
 * @property {number | null} retryAt
 * @property {number | null} tokens how many were written, while nothing of them is shown (`delivery` is `final`)
 * @property {End | null} end
 */

/**
 * @typedef {{ status: Going, outcome: null, error: null } | { status: "ended", outcome: Outcome, error: null }
 *   | { status: "error", outcome: Outcome | null, error: Error }} Status
 */

/** @typedef {AnswerState & Status} StreamState */

/**
 * `text` is that of all turns, with a blank line between two; `seconds` are those until it goes on.
 * @typedef {StreamState & { text: string, seconds: number | null }} StreamView
 */

/**
 * The messages end with the answer that is being written, and with what is being sent (`pending`).
 * @typedef {Omit<AnswerState, "id" | "turns" | "blocks" | "model"> & Status & { id: string | null,
 *   title: string | null, system: string | null, model: string | null,
 *   messages: (ConversationMessage & { pending?: boolean })[], seconds: number | null }} ConversationView
 */

/**
 * @typedef {object} StreamOptions
 * @property {import("./index.js").Keepstream} [client] the context's, or one of the page's own origin, if left out.
 *   It is taken when something is asked for: where another person signs in, give what is below another `key`
 * @property {(id: string) => void} [onId] is told the id, to be kept where a reload finds it
 */

/** @typedef {StreamOptions} ConversationOptions */

/**
 * What a view subscribes to. `get` gives the same until something has changed and a frame has passed; `known` gives the
 * id, once there is one. What is read is let go when nobody listens, and gone on with when somebody does.
 * @template View, Actions
 * @typedef {{ client: import("./index.js").Keepstream, subscribe: (listener: () => void) => () => void,
 *   get: () => View, known: () => string | null, actions: Actions }} StoreOf
 */

/**
 * @callback Approve
 * @param {string} toolUseId
 * @param {boolean} [approve]
 * @param {CallOptions & { reason?: string }} [options]
 * @returns {Promise<object>}
 */

/** @typedef {{ approve: Approve, stop: () => Promise<void> }} StreamActions */

/**
 * @typedef {object} ConversationActions
 * @property {(what: Saying, options?: SubmitOptions) => Promise<Said>} say throws what refused it: 409 while another
 *   answer is being written
 * @property {(body?: object, options?: SubmitOptions) => Promise<Said>} regenerate
 * @property {(body?: object, options?: SubmitOptions) => Promise<Said>} continue
 * @property {Approve} approve whether the call of a tool may be made that the answer waits for
 * @property {(results: Given[], options?: SubmitOptions) => Promise<Said>} toolResults what tools of one's own gave
 * @property {() => Promise<void>} stop for everybody
 */

/** @typedef {StoreOf<StreamView, StreamActions>} StreamStore */
/** @typedef {StoreOf<ConversationView, ConversationActions>} ConversationStore */

/** @typedef {StreamView & StreamActions & { submit: (body: string | object) => void }} StreamHook */
/** @typedef {ConversationView & ConversationActions} ConversationHook */

export {};
