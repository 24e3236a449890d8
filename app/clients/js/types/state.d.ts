/**
 * What a stream's events amount to: the answer as it stands, and what is going on. Pure; React is not known here.
 *
 * The rule: each event makes a new state, and one that nobody knows makes none. `now` is `Date.now()`.
 */
import type { StreamEvent, StreamState } from "./shapes.js";
/** Before anything has come. @type {StreamState} */
export declare const IDLE: StreamState;
/**
 * @param {StreamState} state
 * @param {StreamEvent} event
 * @param {number} [now]
 * @returns {StreamState}
 */
export declare function reduce(state: StreamState, { type, data }: StreamEvent, now?: number): StreamState;
/** Of all turns, with a blank line between two. @param {{ turns: import("./shapes.js").Block[][] }} state */
export declare function textOf({ turns }: {
    turns: import("./shapes.js").Block[][];
}): string;
