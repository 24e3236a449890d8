import type { ConversationHook, ConversationOptions, StreamHook, StreamOptions } from "./shapes.js";
import { Keepstream } from "./index.js";
/**
 * The client of all below it; where nobody gives one, that of the page's own origin.
 * @type {import("react").Context<Keepstream>}
 */
export declare const KeepstreamContext: import("react").Context<Keepstream>;
/**
 * An answer: of a stream's id, which is read and resumed, or of a prompt, which is submitted once. Nothing: until
 * `submit` is called.
 * @param {string | object | null} [target] @param {StreamOptions} [options] @returns {StreamHook}
 */
export declare function useStream(target?: string | object | null, options?: StreamOptions): StreamHook;
/**
 * A conversation, kept by the server and the same in every tab; without an id one that begins with what is said first.
 * @param {string | null} [id] @param {ConversationOptions} [options] @returns {ConversationHook}
 */
export declare function useConversation(id?: string | null, options?: ConversationOptions): ConversationHook;
