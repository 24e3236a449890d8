/**
 * A conversation as a store: what the server has of it, the answer that is being written, and what one says in it.
 *
 * The rule: one connection at a time. While an answer runs its stream is read, otherwise the conversation's own events;
 * whatever happens in it, in this tab or another, is a reason to look at all of it again.
 */
import type { Keepstream } from "./index.js";
import type { ConversationStore } from "./shapes.js";
/**
 * One conversation, of an id, or a new one.
 * @param {Keepstream} client @param {string | null | undefined} id @returns {ConversationStore}
 */
export declare function conversationStore(client: Keepstream, id: string | null | undefined): ConversationStore;
