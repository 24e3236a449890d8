/**
 * Keepstream for browsers and Node: submit a prompt, read its events, survive everything in between.
 *
 * The rule: `events` ends only after the stream's ending, or throws; a connection that ends, breaks or falls silent is
 * opened again after the last event that was handed out. What is long is told in shapes.js.
 *
 * @import { Accepted, Body, CallOptions, ErrorMore, EventsOptions, FollowOptions, KeepstreamOptions, Message, SendOptions,
 *   Stream, StreamEvent, SubmitOptions, TicketOptions } from "./shapes.js"
 */
import type { Accepted, Body, CallOptions, ErrorMore, EventsOptions, FollowOptions, KeepstreamOptions, Message, SendOptions, Stream, StreamEvent, SubmitOptions, TicketOptions } from "./shapes.js";
/** What the server refused for good, or a stream that is lost; `retryAfter` in seconds. */
export declare class KeepstreamError extends Error {
    status: number;
    type: string;
    requestId: string | null;
    retryAfter: number | null;
    /** @param {number} status @param {string} type @param {string} message @param {ErrorMore} [more] */
    constructor(status: number, type: string, message: string, { requestId, retryAfter }?: ErrorMore);
}
export declare class Keepstream {
    #private;
    /** @param {KeepstreamOptions} [options] */
    constructor({ base, fetch, ...given }?: KeepstreamOptions);
    /**
     * Submits a prompt, or a body of the Messages API. Tries again when network or server fail: one stream only.
     * @param {string | Body} body @param {SubmitOptions} [options] @returns {Promise<Accepted & Partial<Stream>>}
     */
    submit(body: string | Body, options?: SubmitOptions): Promise<Accepted & Partial<Stream>>;
    /**
     * The events of a stream to its ending, `relay.end`. After `relay.reset` forget what came before. Leaving the loop lets
     * the stream run on.
     * @param {string} id @param {EventsOptions} [options] @returns {AsyncGenerator<StreamEvent, void, void>}
     */
    events(id: string, options?: EventsOptions): AsyncGenerator<StreamEvent, void, void>;
    /**
     * `events` of whatever has them, such as an `events_url`.
     * @template [Event=StreamEvent]
     * @param {string} path @param {FollowOptions} [options] @returns {AsyncGenerator<Event, void, void>}
     */
    follow<Event = StreamEvent>(path: string, { after, partial, signal, onState }?: FollowOptions): AsyncGenerator<Event, void, void>;
    /** The finished Message. @param {string} id @param {TicketOptions} [options] @returns {Promise<Message>} */
    message(id: string, options?: TicketOptions): Promise<Message>;
    /** Stops it for everybody. @param {string} id @param {CallOptions} [options] @returns {Promise<object>} */
    cancel(id: string, options?: CallOptions): Promise<object>;
    /**
     * Any call of the HTTP interface, by its JSON.
     * @param {string} method @param {string} path @param {object} [body] @param {SendOptions} [options]
     * @returns {Promise<any>}
     */
    call(method: string, path: string, body?: object, { signal, headers }?: SendOptions): Promise<any>;
    /**
     * `fetch` with this client's base and credentials. Throws `KeepstreamError` for any answer but a 2xx.
     * @param {string} path @param {RequestInit & { connection?: object }} [init] @returns {Promise<Response>}
     */
    request(path: string, init?: RequestInit & {
        connection?: object;
    }): Promise<Response>;
}
/** A connection that could not be made, broke, or fell silent. */
declare class Broken extends Error {
}
/** One connection's life: aborted by its user, by silence, or by waking up beside it. */
declare function connect(outer: any): {
    signal: AbortSignal;
    /** Given up because its page or its machine woke up: no reason to wait before the next. */
    woken: boolean;
    /** From now on silence counts. */
    listen(): void;
    /** Something came: however long its reader takes, that is no silence. */
    heard(): void;
    close(): void;
};
/** No answer, a time-out, an error of the server; not 429. */
export declare function isPassing(error: any): boolean;
/** Doubling with jitter; never sooner than the server said. */
declare function backOff(retry: any, failures: any, retryAfter: any): number;
/** Waits, or goes on at once when its page or its machine wakes up. */
declare function pause(ms: any, signal: any): Promise<void>;
declare function randomKey(): string;
/** For our own other modules. */
export { backOff, Broken, connect, pause, randomKey };
