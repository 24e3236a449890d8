/**
 * All that `import { Keepstream } from "keepstream"` has: the client that reads streams, and what one asks of a server
 * beside them. The rule: whatever has to survive a network is in keepstream.js; here each method is one call. For views
 * there are stores of it (stores.js), which know no framework.
 */

/**
 * @import { Accepted, CallOptions, Conversation, ConversationEvent, ConversationPage, ConversationRow, Described,
 *   EventsOptions, Given, Said, Saying, Stream, SubmitOptions, Ticket, TicketOptions, Tool } from "./shapes.js"
 */

import { Keepstream as Streams } from "./keepstream.js";

export { conversationStore } from "./conversing.js";
export { isPassing, KeepstreamError } from "./keepstream.js";
export { IDLE, reduce, textOf } from "./state.js";
export { streamStore } from "./stores.js";
export * from "./shapes.js";

export class Keepstream extends Streams {
  conversations = new Conversations(this);

  /** @param {string} id @param {TicketOptions} [options] @returns {Promise<Stream>} */
  stream(id, options) {
    return this.call("GET", pathTo("streams", id, "", options), undefined, options);
  }

  /**
   * Whoever has it reads this stream, and nothing else.
   * @param {string} id @param {CallOptions & { expiresIn?: number }} [options] in seconds @returns {Promise<Ticket>}
   */
  ticket(id, options) {
    return this.call("POST", pathTo("streams", id, "ticket"), { expires_in: options?.expiresIn }, options);
  }

  /**
   * @param {string} id @param {{ rating: 1 | -1, note?: string }} feedback @param {CallOptions} [options]
   * @returns {Promise<{ rating: 1 | -1, note: string | null }>}
   */
  feedback(id, feedback, options) {
    return this.call("POST", pathTo("streams", id, "feedback"), feedback, options);
  }

  /**
   * Answers `relay.approval`: whether this call of a tool may be made. The stream goes on.
   * @param {string} id @param {string} toolUseId @param {boolean} [approve]
   * @param {CallOptions & { reason?: string }} [options] @returns {Promise<object>}
   */
  approve(id, toolUseId, approve = true, options) {
    const path = pathTo("streams", id, `tools/${encodeURIComponent(toolUseId)}`);
    return this.call("POST", path, { approve, reason: options?.reason }, options);
  }

  /**
   * Goes on with a stream that ended with calls of tools that are one's own: all of them have to be answered.
   * @param {string} id @param {Given[]} results @param {SubmitOptions} [options] @returns {Promise<Accepted>}
   */
  toolResults(id, results, options) {
    return this.submit({ results }, { ...options, path: pathTo("streams", id, "tool_results") });
  }

  /** @param {string} id @param {CallOptions} [options] @returns {Promise<Record<string, any>>} */
  timeline(id, options) {
    return this.call("GET", pathTo("streams", id, "timeline"), undefined, options);
  }

  /** What workers run for who names it in `relay: { tools }`. @param {CallOptions} [options] @returns {Promise<{ tools: Tool[] }>} */
  tools(options) {
    return this.call("GET", "/v1/tools", undefined, options);
  }

  /**
   * @param {{ from?: string, to?: string, by?: string, owner?: string }} [asked] @param {CallOptions} [options]
   * @returns {Promise<Record<string, any>>}
   */
  usage(asked, options) {
    return this.call("GET", "/v1/usage" + query(asked), undefined, options);
  }
}

/** What Keepstream keeps of what was said. What one says is answered by a stream like any other. */
class Conversations {
  #client;

  /** @param {Keepstream} client */
  constructor(client) {
    this.#client = client;
  }

  /** @param {Described} [described] @param {CallOptions} [options] @returns {Promise<Conversation>} */
  create(described = {}, options) {
    return this.#client.call("POST", "/v1/conversations", described, options);
  }

  /**
   * Last used first; `before` is the `last_id` of the page before.
   * @param {{ limit?: number, before?: string, query?: string }} [asked] @param {CallOptions} [options]
   * @returns {Promise<ConversationPage>}
   */
  list(asked, options) {
    return this.#client.call("GET", "/v1/conversations" + query(asked), undefined, options);
  }

  /** @param {string} id @param {CallOptions} [options] @returns {Promise<Conversation>} */
  get(id, options) {
    return this.#client.call("GET", pathTo("conversations", id), undefined, options);
  }

  /**
   * @param {string} id @param {Described} described @param {CallOptions} [options]
   * @returns {Promise<ConversationRow>}
   */
  update(id, described, options) {
    return this.#client.call("PATCH", pathTo("conversations", id), described, options);
  }

  /** @param {string} id @param {CallOptions} [options] @returns {Promise<void>} */
  delete(id, options) {
    return this.#client.call("DELETE", pathTo("conversations", id), undefined, options);
  }

  /**
   * Another one, with what was said up to the message `at`.
   * @param {string} id @param {string} at @param {CallOptions & { title?: string }} [options]
   * @returns {Promise<Conversation>}
   */
  fork(id, at, options) {
    return this.#client.call("POST", pathTo("conversations", id, "fork"), { at, title: options?.title }, options);
  }

  /**
   * Makes that version of an answer, or of a question, the one that is shown and gone on from.
   * @param {string} id @param {string} messageId @param {CallOptions} [options] @returns {Promise<ConversationRow>}
   */
  choose(id, messageId, options) {
    return this.#client.call("POST", pathTo("conversations", id, "version"), { message_id: messageId }, options);
  }

  /**
   * Has the model make a title of the first exchange, unless somebody gave it one.
   * @param {string} id @param {CallOptions} [options] @returns {Promise<{ title: string | null }>}
   */
  title(id, options) {
    return this.#client.call("POST", pathTo("conversations", id, "title"), undefined, options);
  }

  /**
   * Its answer is a stream. 409 while another one runs; `{ content, after }` edits and sends again.
   * @param {string} id @param {Saying} what @param {SubmitOptions} [options] @returns {Promise<Said>}
   */
  say(id, what, options) {
    const body = typeof what === "string" || Array.isArray(what) ? { content: what } : what;
    const to = body.results ? "tool_results" : "messages";
    return this.#client.submit(body, { ...options, path: pathTo("conversations", id, to) });
  }

  /**
   * Answers the last message of the user again, or the one that `after` names.
   * @param {string} id @param {Record<string, any>} [body] @param {SubmitOptions} [options] @returns {Promise<Said>}
   */
  regenerate(id, body, options) {
    return this.say(id, { ...body, regenerate: true }, options);
  }

  /**
   * Goes on where the last answer was truncated or cancelled.
   * @param {string} id @param {Record<string, any>} [body] @param {SubmitOptions} [options] @returns {Promise<Said>}
   */
  continue(id, body, options) {
    return this.say(id, { ...body, continue: true }, options);
  }

  /**
   * Goes on with its last answer, as `toolResults` of a stream.
   * @param {string} id @param {Given[]} results @param {SubmitOptions} [options] @returns {Promise<Said>}
   */
  toolResults(id, results, options) {
    return this.say(id, { results }, options);
  }

  /**
   * What happens in it, to its deletion. After `relay.reset` get it again.
   * @param {string} id @param {EventsOptions} [options]
   * @returns {AsyncGenerator<ConversationEvent, void, void>}
   */
  events(id, options) {
    return this.#client.follow(pathTo("conversations", id, "events", options), options);
  }

  /**
   * Whoever has it reads this conversation's events, and the streams in it, also later ones.
   * @param {string} id @param {CallOptions & { expiresIn?: number }} [options] in seconds @returns {Promise<Ticket>}
   */
  ticket(id, options) {
    const body = { expires_in: options?.expiresIn };
    return this.#client.call("POST", pathTo("conversations", id, "ticket"), body, options);
  }
}

function pathTo(kind, id, what = "", { ticket } = {}) {
  const path = `/v1/${kind}/${encodeURIComponent(id)}${what && `/${what}`}`;
  return ticket ? `${path}?ticket=${encodeURIComponent(ticket)}` : path;
}

function query(asked = {}) {
  const given = `${new URLSearchParams(JSON.parse(JSON.stringify(asked)))}`;
  return given && `?${given}`;
}

