/**
 * All that `import { Keepstream } from "keepstream"` has: the client that reads streams, and what one asks of a server
 * beside them. The rule: whatever has to survive a network is in keepstream.js; here each method is one call. For views
 * there are stores of it (stores.js), which know no framework.
 */
import type { Accepted, CallOptions, Conversation, ConversationEvent, ConversationPage, ConversationRow, Described, EventsOptions, Given, Said, Saying, Stream, SubmitOptions, Ticket, TicketOptions, Tool } from "./shapes.js";
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
export declare class Keepstream extends Streams {
    conversations: Conversations;
    /** @param {string} id @param {TicketOptions} [options] @returns {Promise<Stream>} */
    stream(id: string, options?: TicketOptions): Promise<Stream>;
    /**
     * Whoever has it reads this stream, and nothing else.
     * @param {string} id @param {CallOptions & { expiresIn?: number }} [options] in seconds @returns {Promise<Ticket>}
     */
    ticket(id: string, options?: CallOptions & {
        expiresIn?: number;
    }): Promise<Ticket>;
    /**
     * @param {string} id @param {{ rating: 1 | -1, note?: string }} feedback @param {CallOptions} [options]
     * @returns {Promise<{ rating: 1 | -1, note: string | null }>}
     */
    feedback(id: string, feedback: {
        rating: 1 | -1;
        note?: string;
    }, options?: CallOptions): Promise<{
        rating: 1 | -1;
        note: string | null;
    }>;
    /**
     * Answers `relay.approval`: whether this call of a tool may be made. The stream goes on.
     * @param {string} id @param {string} toolUseId @param {boolean} [approve]
     * @param {CallOptions & { reason?: string }} [options] @returns {Promise<object>}
     */
    approve(id: string, toolUseId: string, approve?: boolean, options?: CallOptions & {
        reason?: string;
    }): Promise<object>;
    /**
     * Goes on with a stream that ended with calls of tools that are one's own: all of them have to be answered.
     * @param {string} id @param {Given[]} results @param {SubmitOptions} [options] @returns {Promise<Accepted>}
     */
    toolResults(id: string, results: Given[], options?: SubmitOptions): Promise<Accepted>;
    /** @param {string} id @param {CallOptions} [options] @returns {Promise<Record<string, any>>} */
    timeline(id: string, options?: CallOptions): Promise<Record<string, any>>;
    /** What workers run for who names it in `relay: { tools }`. @param {CallOptions} [options] @returns {Promise<{ tools: Tool[] }>} */
    tools(options?: CallOptions): Promise<{
        tools: Tool[];
    }>;
    /**
     * @param {{ from?: string, to?: string, by?: string, owner?: string }} [asked] @param {CallOptions} [options]
     * @returns {Promise<Record<string, any>>}
     */
    usage(asked?: {
        from?: string;
        to?: string;
        by?: string;
        owner?: string;
    }, options?: CallOptions): Promise<Record<string, any>>;
}
/** What Keepstream keeps of what was said. What one says is answered by a stream like any other. */
declare class Conversations {
    #private;
    /** @param {Keepstream} client */
    constructor(client: Keepstream);
    /** @param {Described} [described] @param {CallOptions} [options] @returns {Promise<Conversation>} */
    create(described?: Described, options?: CallOptions): Promise<Conversation>;
    /**
     * Last used first; `before` is the `last_id` of the page before.
     * @param {{ limit?: number, before?: string, query?: string }} [asked] @param {CallOptions} [options]
     * @returns {Promise<ConversationPage>}
     */
    list(asked?: {
        limit?: number;
        before?: string;
        query?: string;
    }, options?: CallOptions): Promise<ConversationPage>;
    /** @param {string} id @param {CallOptions} [options] @returns {Promise<Conversation>} */
    get(id: string, options?: CallOptions): Promise<Conversation>;
    /**
     * @param {string} id @param {Described} described @param {CallOptions} [options]
     * @returns {Promise<ConversationRow>}
     */
    update(id: string, described: Described, options?: CallOptions): Promise<ConversationRow>;
    /** @param {string} id @param {CallOptions} [options] @returns {Promise<void>} */
    delete(id: string, options?: CallOptions): Promise<void>;
    /**
     * Another one, with what was said up to the message `at`.
     * @param {string} id @param {string} at @param {CallOptions & { title?: string }} [options]
     * @returns {Promise<Conversation>}
     */
    fork(id: string, at: string, options?: CallOptions & {
        title?: string;
    }): Promise<Conversation>;
    /**
     * Makes that version of an answer, or of a question, the one that is shown and gone on from.
     * @param {string} id @param {string} messageId @param {CallOptions} [options] @returns {Promise<ConversationRow>}
     */
    choose(id: string, messageId: string, options?: CallOptions): Promise<ConversationRow>;
    /**
     * Has the model make a title of the first exchange, unless somebody gave it one.
     * @param {string} id @param {CallOptions} [options] @returns {Promise<{ title: string | null }>}
     */
    title(id: string, options?: CallOptions): Promise<{
        title: string | null;
    }>;
    /**
     * Its answer is a stream. 409 while another one runs; `{ content, after }` edits and sends again.
     * @param {string} id @param {Saying} what @param {SubmitOptions} [options] @returns {Promise<Said>}
     */
    say(id: string, what: Saying, options?: SubmitOptions): Promise<Said>;
    /**
     * Answers the last message of the user again, or the one that `after` names.
     * @param {string} id @param {Record<string, any>} [body] @param {SubmitOptions} [options] @returns {Promise<Said>}
     */
    regenerate(id: string, body?: Record<string, any>, options?: SubmitOptions): Promise<Said>;
    /**
     * Goes on where the last answer was truncated or cancelled.
     * @param {string} id @param {Record<string, any>} [body] @param {SubmitOptions} [options] @returns {Promise<Said>}
     */
    continue(id: string, body?: Record<string, any>, options?: SubmitOptions): Promise<Said>;
    /**
     * Goes on with its last answer, as `toolResults` of a stream.
     * @param {string} id @param {Given[]} results @param {SubmitOptions} [options] @returns {Promise<Said>}
     */
    toolResults(id: string, results: Given[], options?: SubmitOptions): Promise<Said>;
    /**
     * What happens in it, to its deletion. After `relay.reset` get it again.
     * @param {string} id @param {EventsOptions} [options]
     * @returns {AsyncGenerator<ConversationEvent, void, void>}
     */
    events(id: string, options?: EventsOptions): AsyncGenerator<ConversationEvent, void, void>;
    /**
     * Whoever has it reads this conversation's events, and the streams in it, also later ones.
     * @param {string} id @param {CallOptions & { expiresIn?: number }} [options] in seconds @returns {Promise<Ticket>}
     */
    ticket(id: string, options?: CallOptions & {
        expiresIn?: number;
    }): Promise<Ticket>;
}
