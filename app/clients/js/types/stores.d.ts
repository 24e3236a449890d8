/**
 * A stream as a store that a view subscribes to, and what every such store has. React is not known here.
 *
 * The rule: nothing is asked before the first subscriber, nothing is submitted twice, and what changes is told once a
 * frame, however much comes. Without a subscriber the connection is let go, and taken up again at the same byte.
 */
import type { Keepstream } from "./index.js";
import type { OnState, StreamState, StreamStore } from "./shapes.js";
/**
 * Who looks, what is shown, and the one thing at a time that is read.
 *
 * `read(signal)` is called for as long as anybody looks and it was not told that all is `over`; `look(stream)` makes of
 * the stream's state what is shown. Beside the store there are the means to change it.
 * @template View
 * @param {Keepstream} client
 * @param {StreamState} stream
 * @param {(stream: StreamState) => View} look
 * @param {(signal: AbortSignal) => Promise<boolean | void>} read true: nothing more comes
 */
export declare function makeStore<View>(client: Keepstream, stream: StreamState, look: (stream: StreamState) => View, read: (signal: AbortSignal) => Promise<boolean | void>): {
    client: Keepstream;
    get: () => any;
    change: (more: any) => void;
    connection: OnState;
    state: () => StreamState;
    subscribe(listener: any): () => void;
    /** Reads anew, also where all was over. */
    again(): void;
    /** Another stream, from its start. */
    begin(more: any): void;
    /** The events of a stream, from where it was left to its ending. */
    follow(id: any, signal: any): Promise<void>;
};
/**
 * One stream, of an id or of a prompt.
 * @param {Keepstream} client @param {string | object | null | undefined} target @returns {StreamStore}
 */
export declare function streamStore(client: Keepstream, target: string | object | null | undefined): StreamStore;
