/**
 * The AI SDK's `useChat` over Keepstream, in one line:
 *
 *     const transport = keepstreamChat({ base, auth });
 *     useChat({ id, resume: true, transport });
 *
 * The rule: what `useChat` is given is the whole answer, once, or an error. A connection that ends, breaks or falls silent
 * is opened again, and what was handed out before is known again by comparing; so `onFinish` is called once. What only
 * the moment tells (`transient`) is no part of the answer.
 *
 * @import { ChatTransport, UIMessage, UIMessageChunk } from "ai"
 * @import { KeepstreamOptions } from "./shapes.js"
 */
import type { ChatTransport, UIMessage } from "ai";
import type { KeepstreamOptions } from "./shapes.js";
import { Keepstream } from "./keepstream.js";
export type OfChats = {
    /**
     * in place of `base`, `auth` and the other options of one
     */
    client?: Keepstream;
    /**
     * more fields of each message's body, such as `model`
     */
    body?: object | (() => object | Promise<object>);
    /**
     * whether a broken connection is opened again, unseen; else `onFinish` is told `isDisconnect`
     */
    resume?: boolean;
    /**
     * what `stop()` of `useChat` does, which a component that goes calls as well:
     * it cancels the answer for everybody, or leaves it to run on
     */
    stop?: "cancel" | "leave";
    onState?: (state: "connecting" | "open" | "waiting", waitMs?: number) => void;
};
export type KeepstreamChatOptions = KeepstreamOptions & OfChats;
export type KeepstreamChatTransport<UI_MESSAGE extends UIMessage = UIMessage> = ChatTransport<UI_MESSAGE> & {
    stop(chatId: string): Promise<void>;
};
/**
 * @typedef {object} OfChats
 * @property {Keepstream} [client] in place of `base`, `auth` and the other options of one
 * @property {object | (() => object | Promise<object>)} [body] more fields of each message's body, such as `model`
 * @property {boolean} [resume] whether a broken connection is opened again, unseen; else `onFinish` is told `isDisconnect`
 * @property {"cancel" | "leave"} [stop] what `stop()` of `useChat` does, which a component that goes calls as well:
 *   it cancels the answer for everybody, or leaves it to run on
 * @property {(state: "connecting" | "open" | "waiting", waitMs?: number) => void} [onState]
 */
/** @typedef {KeepstreamOptions & OfChats} KeepstreamChatOptions */
/**
 * @template {UIMessage} [UI_MESSAGE=UIMessage]
 * @typedef {ChatTransport<UI_MESSAGE> & { stop(chatId: string): Promise<void> }} KeepstreamChatTransport `stop` cancels
 *   what a chat's answer is, whoever reads it
 */
/**
 * Make one for a page, outside of what is rendered: it keeps what `auth` gave.
 * @template {UIMessage} [UI_MESSAGE=UIMessage]
 * @param {KeepstreamChatOptions} [options]
 * @returns {KeepstreamChatTransport<UI_MESSAGE>}
 */
export declare function keepstreamChat<UI_MESSAGE extends UIMessage = UIMessage>({ client, body, resume, stop, onState, ...given }?: KeepstreamChatOptions): KeepstreamChatTransport<UI_MESSAGE>;
