/**
 * The shapes of what goes over the wire, and of what one hands to the client: types only, nothing of it runs.
 *
 * They say what one can rely on. What the Claude API has beside it (more fields, more kinds of blocks) comes through as
 * it is; blocks and deltas have an open end for it.
 */

/**
 * What a caller may pass with any call. A call whose signal is aborted throws the signal's reason.
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal]
 */

/**
 * Whom one asks, and as whom.
 * @typedef {object} KeepstreamOptions
 * @property {string} [base] where Keepstream is, without a slash at the end; the page's own origin if left out
 * @property {string | (() => string | undefined | Promise<string | undefined>)} [key] a key or token, or what gives one
 *   for each call; `auth` keeps what it gave
 * @property {(asked: Asked) => Credential | Promise<Credential>} [auth] gives a key, a token or a ticket. What it gives
 *   is kept; it is asked again half a minute before that ends, and once when the server answers 401. A `TypeError`, as
 *   `fetch` throws it without a network, is a connection that broke; whatever else it throws the caller gets
 * @property {HeadersInit | (() => HeadersInit | Promise<HeadersInit>)} [headers] sent with each call
 * @property {typeof globalThis.fetch} [fetch]
 */

/** @typedef {CallOptions & { headers?: Record<string, string> }} SendOptions */

/** @typedef {{ requestId?: string | null, retryAfter?: number | null }} ErrorMore */

/**
 * What a credential is wanted for: the path, and the stream or conversation in it.
 * @typedef {{ path: string, id: string | undefined }} Asked
 */

/**
 * A key or a token; or one with the time at which it ends (else that of a JWT is read from itself); or a ticket, as
 * `POST …/ticket` answers it, for the one stream or conversation that was asked for. Nothing: ask without.
 * @typedef {string | { key: string, expires_at?: string } | { ticket: string, expires_at?: string } | null | undefined}
 *   Credential
 */

/**
 * `connecting`, `open`, or `waiting` for the next try, which begins in `waitMs`.
 * @typedef {(state: "connecting" | "open" | "waiting", waitMs?: number) => void} OnState
 */

/**
 * @typedef {object} SubmitExtras
 * @property {string} [path] where to, such as a conversation's messages
 * @property {string} [idempotencyKey] made up if left out
 * @property {number} [tries] how often at the most; 5
 * @property {number} [wait] for so many seconds, up to 120, for its ending: then the answer is the stream that has ended
 * @property {OnState} [onState]
 * @typedef {CallOptions & SubmitExtras} SubmitOptions
 */

/**
 * @typedef {object} FollowExtras
 * @property {string} [after] the id of the last event one has; from the newest attempt's start if left out
 * @property {boolean} [partial] `relay.partial` as well: what the JSON of an answer says so far
 * @property {OnState} [onState]
 * @typedef {CallOptions & FollowExtras} FollowOptions
 */

/** In place of a key. @typedef {CallOptions & { ticket?: string }} TicketOptions */
/** @typedef {FollowOptions & TicketOptions} EventsOptions */

/**
 * What a body may ask of the relay itself, in its field `relay`.
 * @typedef {object} Relay
 * @property {"restart" | "fail"} [on_interrupt] what happens when it breaks in the middle
 * @property {number | null} [abandon_after] seconds without a reader, after which it is cancelled
 * @property {boolean} [ticket]
 * @property {number | null} [cache] an answer that was given may be given again for so many seconds
 * @property {string[] | null} [tools] names of tools that the worker runs for it
 * @property {number | null} [max_turns] how often the model is asked at the most, where there are tools
 * @property {"progressive" | "final" | null} [delivery] `final`: nothing is seen of it before it is whole
 * @property {boolean | null} [validate] its text is held against the request's JSON schema
 * @property {number | null} [repair] how many calls may mend it
 * @property {boolean | "5m" | "1h" | null} [cache_prompt]
 */

/** A body of the Messages API, or the short form. @typedef {{ prompt?: string, relay?: Relay | null, [field: string]: any }} Body */

/** What a tool of one's own gave. @typedef {{ tool_use_id: string, content: string | Block[], is_error?: boolean }} Given */

/**
 * What answers a submit.
 * @typedef {object} Accepted
 * @property {string} id
 * @property {string} state
 * @property {string} events_url
 * @property {string} cancel_url
 * @property {string} [ticket]
 */

/**
 * What answers something said in a conversation: its stream, the message it answers, and the one it becomes.
 * @typedef {Accepted & { conversation_id: string, message_id: string, answer_id: string }} Said
 */

/**
 * A tool that workers run.
 * @typedef {{ name: string, description: string, input_schema: Record<string, any>, approve: boolean, repeatable: boolean }} Tool
 */

/** @typedef {{ ticket: string, expires_at: string, events_url: string }} Ticket */

/** As the Claude API has them. @typedef {{ type: string, text?: string, [field: string]: any }} Block */

/** @typedef {{ type: string, message: string }} ApiError */

/**
 * A finished Message of the Claude API.
 * @typedef {object} Message
 * @property {string} id
 * @property {"message"} type
 * @property {"assistant"} role
 * @property {string} model
 * @property {Block[]} content
 * @property {string | null} stop_reason
 * @property {Record<string, any>} usage
 */

/** @typedef {"completed" | "truncated" | "refused" | "failed" | "cancelled" | "expired"} Outcome */

/**
 * How a stream ended: the data of `relay.end`.
 * @typedef {object} End
 * @property {Outcome} outcome
 * @property {string | null} stop_reason
 * @property {Record<string, any> | null} usage
 * @property {number | null} cost_usd
 * @property {number} attempts
 * @property {number} [turns] how often the model answered, where a worker ran tools
 * @property {ApiError} [error]
 */

/**
 * A stream as it stands.
 * @typedef {object} Stream
 * @property {string} id
 * @property {"queued" | "running" | "waiting" | "ended"} state `waiting` for a person to approve a tool
 * @property {number} attempt
 * @property {string | null} offset
 * @property {number} [position]
 * @property {string} model
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} ended_at
 * @property {Outcome} [outcome]
 * @property {string | null} [stop_reason]
 * @property {Record<string, any> | null} [usage]
 * @property {number | null} [cost_usd]
 * @property {Message} [message] of the last turn
 * @property {Message[]} [turns] where a worker ran tools
 * @property {Approval[]} [approvals] the calls that wait for a person to approve them
 * @property {boolean} [partial]
 * @property {ApiError} [error]
 */

/**
 * A message of a conversation. An answer also has its stream and how that ended.
 * @typedef {object} ConversationMessage
 * @property {string} id
 * @property {"user" | "assistant"} role
 * @property {Block[]} content
 * @property {string} created_at
 * @property {string} [stream_id]
 * @property {string | null} [model]
 * @property {Outcome} [outcome]
 * @property {string | null} [stop_reason]
 * @property {Record<string, any> | null} [usage]
 * @property {number | null} [cost_usd]
 * @property {boolean} [partial]
 * @property {ApiError} [error]
 * @property {string} [continues]
 * @property {{ rating: 1 | -1, note?: string }} [feedback]
 * @property {{ role: "user" | "assistant", content: Block[] }[]} [steps] what was said before its content, where a worker
 *   ran tools: their calls, and their results
 * @property {Block[]} [tool_results] of calls in the content itself
 * @property {string[]} [versions] the ids of this and what stands beside it, oldest first; `choose` shows another
 */

/**
 * @typedef {object} Described
 * @property {string | null} [title]
 * @property {string | null} [system]
 * @property {string | null} [model]
 */

/**
 * A conversation, without its messages.
 * @typedef {object} ConversationRow
 * @property {string} id
 * @property {string | null} title
 * @property {string | null} system
 * @property {string | null} model
 * @property {string} created_at
 * @property {string} updated_at
 * @property {string | null} [stream_id] the stream that runs in it
 * @property {{ id: string, at: string }} [forked_from]
 * @property {{ message_id: string | null, text: string }} [match] where what was searched for stands
 */

/**
 * A conversation with its messages, as it stood after the event `offset`.
 * @typedef {ConversationRow & { offset: string, stream_id: string | null, answer_id: string | null,
 *   messages: ConversationMessage[] }} Conversation
 */

/** @typedef {{ data: ConversationRow[], has_more: boolean, last_id: string | null }} ConversationPage */

/**
 * What one says: text, content blocks, or a whole body of `POST …/messages`, with any field of the Messages API.
 * @typedef {string | Block[] | Record<string, any>} Saying
 */

/**
 * `data` is parsed; `id` is the place behind the event, empty where it does not move the place (`relay.status`).
 * @template {string} Type
 * @template Data
 * @typedef {{ type: Type, data: Data, id: string }} EventOf
 */

/**
 * What there may be besides; so that `data.delta?.type` can be asked of any event.
 * @typedef {{ delta?: undefined }} NoDelta
 */

/**
 * The events of a stream: the Claude API's own, and the relay's.
 * @typedef {EventOf<"message_start", NoDelta & { message: Message }>
 *   | EventOf<"content_block_start", NoDelta & { index: number, content_block: Block }>
 *   | EventOf<"content_block_delta", { index: number, delta: { type: string, [field: string]: any } }>
 *   | EventOf<"content_block_stop", NoDelta & { index: number }>
 *   | EventOf<"message_delta", { delta: { type?: undefined, [field: string]: any }, usage: Record<string, any> }>
 *   | EventOf<"message_stop", NoDelta>
 *   | EventOf<"relay.status", NoDelta & ({ state: "queued", position: number | null }
 *       | { state: "thinking", silent_ms: number } | { state: "held", retry_in_ms: number }
 *       | { state: "running", elapsed_ms: number, output_tokens: number } | { state: "waiting" })>
 *   | EventOf<"relay.partial", NoDelta & { index: number, value: any }>
 *   | EventOf<"relay.retry", NoDelta & { attempt: number, reason: string, retry_in_ms: number }>
 *   | EventOf<"relay.reset", NoDelta & { attempt: number, reason: string, turn?: number }>
 *   | EventOf<"relay.approval", NoDelta & Approval>
 *   | EventOf<"relay.tool", NoDelta & { tool_use_id: string, name: string, content: any, is_error: boolean,
 *       elapsed_ms: number }>
 *   | EventOf<"relay.end", NoDelta & End>} StreamEvent
 */

/**
 * What happens in a conversation.
 * @typedef {EventOf<"conversation.updated", Pick<ConversationRow, "title" | "system" | "model">>
 *   | EventOf<"message.added", { message: Omit<ConversationMessage, "content"> & { content: Block[] | null } }>
 *   | EventOf<"messages.removed", { after: string | null }>
 *   | EventOf<"stream.started", { stream_id: string, message_id: string, answer_id: string, model: string,
 *       events_url: string, cancel_url: string }>
 *   | EventOf<"stream.ended", Omit<End, "attempts"> & { stream_id: string, answer_id: string,
 *       timing: { first_token_ms: number | null, total_ms: number | null } }>
 *   | EventOf<"conversation.deleted", {}>
 *   | EventOf<"relay.reset", { attempt: number, reason: string }>
 *   | EventOf<"relay.end", End>} ConversationEvent
 */

/** @typedef {{ tool_use_id: string, name: string, input: any }} Approval */

export * from "./views.js";
