"use client";
/**
 * Keepstream for React: an answer, and a conversation, as hooks. The rule: what happens is in the stores; a hook only
 * looks at one, and rendering asks for nothing, so that a render may be thrown away, repeated, or done on a server.
 */

/**
 * @import { ConversationHook, ConversationOptions, StreamHook, StreamOptions } from "./shapes.js"
 */

import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { conversationStore, Keepstream, streamStore } from "./index.js";

/**
 * The client of all below it; where nobody gives one, that of the page's own origin.
 * @type {import("react").Context<Keepstream>}
 */
export const KeepstreamContext = createContext(new Keepstream());

/**
 * An answer: of a stream's id, which is read and resumed, or of a prompt, which is submitted once. Nothing: until
 * `submit` is called.
 * @param {string | object | null} [target] @param {StreamOptions} [options] @returns {StreamHook}
 */
export function useStream(target, options = {}) {
  const [store, hold] = useStore(streamStore, target, options);
  const submit = (body) => hold(streamStore(store.client, body));
  return { ...useView(store, options), submit };
}

/**
 * A conversation, kept by the server and the same in every tab; without an id one that begins with what is said first.
 * @param {string | null} [id] @param {ConversationOptions} [options] @returns {ConversationHook}
 */
export function useConversation(id, options = {}) {
  const [store] = useStore(conversationStore, id, options);
  return useView(store, options);
}

/** The store of what is asked for: another one only when something else is asked for; a client made inline is no reason. */
function useStore(make, target, { client }) {
  const found = useContext(KeepstreamContext);
  const wanted = JSON.stringify(target || null);
  let [held, hold] = useState(null);
  if (held?.wanted !== wanted) {
    // What was submitted, or begun, and is now asked for by the id that it has got, is the same.
    const same = target && held?.store.known() === target;
    held = { wanted, store: same ? held.store : make(client ?? found, target) };
    hold(held);
  }
  return [held.store, (store) => hold({ wanted, store })];
}

function useView({ subscribe, get, actions }, { onId }) {
  const view = useSyncExternalStore(subscribe, get, get);
  useEffect(() => {
    if (view.id) onId?.(view.id);
  }, [view.id]);
  return { ...view, ...actions };
}
