"""The store of conversations: read, create, change, delete, add an answer, and each owner's list.

The law: a history changes only together with the event that tells of it, in one script, and only if nothing has
happened since it was read. So whoever has read a conversation may decide on what was read; where somebody was faster
the answer is `MOVED`, and one reads and decides again. A conversation's events are a log like a stream's, with a meta
that has owner, state and base, so whatever reads streams reads conversations.

A conversation names the one stream that runs in it. Whoever finds that stream ended adds its answer: its worker
before it leaves the stream, the front for one that never ran, or whoever asks next. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import orjson
from redis.asyncio import Redis

from app.stream import frames, keys
from app.stream.concurrency.threads import LARGE_BYTES, beside
from app.stream.conversations import turns
from app.stream.conversations.conversation import Change, Changed, Conversation
from app.stream.log import Log, State
from app.stream.readback.partial import partial_of
from app.stream.readback.steps import steps_of
from app.stream.scripts import source, source_on_full

# A log of events that is longer is started over: who was away for so long fetches the conversation.
EVENTS_BYTES = 256 * 1024
# When a conversation was used, in ms since 1970, and its id: in this order they are listed, the last first.
Place = tuple[float, str]
HEAD: Place = (math.inf, "")
_READ = (keys.log, keys.meta, keys.messages, keys.opinions)


class Conversations:
    """The conversations of one Redis."""

    def __init__(self, redis: Redis, log: Log) -> None:
        self._redis = redis
        self._log = log
        self._read = redis.register_script(source("conversations/read"))
        self._change = redis.register_script(source("conversations/change"))
        self._delete = redis.register_script(source_on_full("conversations/change"))
        self._list = redis.register_script(source("conversations/list"))

    async def read(self, conversation_id: str, *, messages: bool = False) -> Conversation | None:
        """A conversation as it stands; None for what is not there."""
        if (found := await self.raw(conversation_id, messages=messages)) is None:
            return None
        conversation, listed = found
        messages_ = await beside(sum(map(len, listed)), lambda: [orjson.loads(message) for message in listed])
        return replace(conversation, messages=tuple(messages_))

    async def raw(
        self, conversation_id: str, *, messages: bool = True, opinions: str = ""
    ) -> tuple[Conversation, list[bytes]] | None:
        """As `read`, with its messages as the JSON that they are kept as, and what people think of them ("1") in it."""
        keys_ = [key(conversation_id) for key in _READ]
        now, length, tail, flat, listed = await self._read(keys=keys_, args=["1" if messages else "", opinions])
        if not flat:
            return None
        meta = {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}
        # A log that Redis has lost begins again.
        position = (frames.position_at_end(tail) if length else None) or frames.origin(conversation_id)
        return Conversation(conversation_id, now, position, meta, ()), listed

    async def settled(self, conversation_id: str, owner: str) -> Conversation | None:
        """As `read`, once an answer whose stream has ended is added: a stream it still names does run.

        Not by who does not own it: what a stranger asks for is looked at, once.
        """
        found = await self.read(conversation_id)
        if found is None or found.owner != owner or found.deleted or found.stream_id is None:
            return found
        await self.add_answer(found.stream_id, conversation_id)
        return await self.read(conversation_id)

    async def was_deleted(self, owner: str, conversation_id: str) -> bool:
        """Whether a conversation that is not there any more was this owner's."""
        tomb: bytes | None = await self._redis.get(keys.tomb(conversation_id))
        return tomb is not None and tomb.decode() == owner

    async def create(
        self,
        conversation_id: str,
        fields: Mapping[str, str | int],
        life_ms: int,
        messages: Sequence[turns.Message] = (),
    ) -> None:
        """Makes a conversation with these fields of the meta (owner, and those it is shown with)."""
        taken = await asyncio.to_thread(size, messages) if messages else 0  # a history, as long as its first was
        stored: dict[str, str | int] = {
            "stream": "",
            "attempt": 1,
            "base": 0,
            "life": life_ms,
            "bytes": taken,
            **fields,
        }
        meta = {name: str(value).encode() for name, value in stored.items()}
        nothing = Conversation(conversation_id, 0, frames.origin(conversation_id), meta, ())
        event = turns.updated(nothing.text("title"), nothing.text("system"), nothing.text("model"))
        await self._apply("create", nothing, Change([event], add=messages, fields=stored), life_ms)

    async def drop(self, conversation_id: str) -> None:
        """Takes back a `create` of which nobody knows."""
        await self._redis.delete(*(key(conversation_id) for key in (*_READ, keys.versions)))

    async def version(self, conversation_id: str, name: str) -> list[turns.Message] | None:
        """What was put away under a name; None for what is not there."""
        kept: bytes | None = await self._redis.hget(keys.versions(conversation_id), name)  # type: ignore[misc]
        return None if kept is None else await beside(len(kept), partial(orjson.loads, kept))

    async def change(self, conversation: Conversation, change: Change) -> Changed:
        """Applies `change` to the conversation as it was read, or not at all."""
        mode = "start_over" if conversation.position.offset > EVENTS_BYTES else "change"
        return await self._apply(mode, conversation, change, conversation.life_ms)

    async def delete(self, conversation: Conversation) -> Changed:
        """Ends a conversation: its readers are told, its messages go. It is still listed."""
        return await self._apply("delete", conversation, Change(turns.deleted()), keys.DELETED_SECONDS * 1000)

    async def _apply(self, mode: str, conversation: Conversation, change: Change, life_ms: int) -> Changed:
        data, position = b"", conversation.position
        fields = dict(change.fields)
        if mode == "start_over":
            attempt = conversation.number("attempt") + 1
            event = {"attempt": attempt, "reason": "log_full"}
            data, position = frames.encode_json("relay.reset", event, frames.origin(conversation.id))
            # Who comes without an id begins behind the reset.
            fields |= {"attempt": attempt, "base": position.offset}
        elif not position.offset:
            fields |= {"base": 0}
        for name, event in change.events:
            frame, position = frames.encode_json(name, event, position)
            data += frame
        large = max(conversation.bytes, int(fields.get("bytes", 0)))
        added = await beside(large, lambda: [orjson.dumps(message) for message in change.add])
        at = conversation.position
        script = self._delete if mode == "delete" else self._change
        reply = await script(
            keys=[key(conversation.id) for key in (*_READ, keys.tomb, keys.versions)],
            args=[
                keys.channel(conversation.id),
                mode,
                at.offset,
                at.proof if at.offset else b"",
                data,
                life_ms,
                life_ms + keys.TOMB_SECONDS * 1000,
                -1 if change.keep is None else change.keep,
                len(added),
                change.put,
                len(change.gone),
                *change.gone,
                *added,
                *(part for pair in fields.items() for part in pair),
            ],
        )
        return Changed(reply.decode())

    # --- answers

    async def add_answer(self, stream_id: str, conversation_id: str) -> None:
        """Adds the answer of a stream that has ended, or is lost, to its conversation.

        Does nothing where the stream still runs, or where this was done before: the conversation names it until then,
        and it is kept until then.
        """
        while True:
            found = await self.read(conversation_id)
            if found is None or found.deleted:
                await self._log.release(stream_id)
                return
            if found.stream_id != stream_id:  # somebody else added it, and may not have come to say so
                await self._log.release(stream_id, conversation_id, found.life_ms)
                return
            answer = await self._answer(stream_id, found.now)
            if answer is None:
                return
            message, large = answer
            marked = found.versions.marked([message], found.text("asked") or "")[0]
            added = await beside(large, partial(turns.added, marked))
            taken = await beside(large, partial(size, [message]))
            change = Change(
                [added, turns.ended(message)],
                add=[message],
                fields={"stream": "", "asked": "", "bytes": found.bytes + taken},
            )
            changed = await self.change(found, change)
            if changed is not Changed.MOVED:
                await self._log.release(stream_id, conversation_id, found.life_ms)
                await self.used(found)
                return

    async def _answer(self, stream_id: str, now: int) -> tuple[turns.Message, int] | None:
        """The answer, and about how many bytes it takes."""
        meta = await self._log.meta(stream_id, "withdrawn", *turns.ANSWER_FIELDS)
        if meta is None:
            return turns.answer(stream_id, None, (), now), 0
        # One that was withdrawn is no answer: whoever withdrew it takes back what was said.
        if meta["state"] != State.ENDED.encode() or "withdrawn" in meta:
            return None
        standing = (await partial_of(self._log, stream_id)).content if turns.stands_in_log(meta) else ()
        large = len(meta.get("message", b"")) or (LARGE_BYTES + 1 if standing else 0)
        steps = turns.NO_STEPS
        if "tools" in meta:
            steps = await steps_of(self._log, stream_id, meta, meta.get("message", b""))
            large += sum(map(len, (*steps.messages, *steps.results.values())))
        return await beside(large, lambda: turns.answer(stream_id, meta, standing, now, steps)), large

    # --- an owner's list

    async def enlist(self, owner: str, conversation_id: str, most: int, life_ms: int) -> bool:
        """Puts a conversation at the head of its owner's list; False where it would be one too many."""
        key = keys.conversations(owner)
        return bool(await self._list(keys=[key], args=[conversation_id, most, life_ms, ""]))

    async def used(self, conversation: Conversation) -> None:
        """To the head of its owner's list with a conversation that was used."""
        key = keys.conversations(conversation.owner)
        await self._list(keys=[key], args=[conversation.id, 0, conversation.life_ms, "1"])

    async def unlist(self, owner: str, conversation_id: str) -> None:
        await self._redis.zrem(keys.conversations(owner), conversation_id)

    async def page(self, owner: str, before: str | None, limit: int) -> tuple[list[Conversation], bool] | None:
        """Up to `limit` conversations behind `before`, last used first, and whether there are more.

        None where `before` is not listed.
        """
        place = await self.place(owner, before)
        if place is None:
            return None
        found: list[Conversation] = []
        while len(found) <= limit and (places := await self.behind(owner, place, limit + 1)):
            found += await self.standing(owner, places)
            place = places[-1]
        return found[:limit], len(found) > limit

    async def place(self, owner: str, before: str | None) -> Place | None:
        """Where a conversation is listed, or the list's head; None where it is not."""
        if before is None:
            return HEAD
        used_ms: float | None = await self._redis.zscore(keys.conversations(owner), before)
        return None if used_ms is None else (used_ms, before)

    async def behind(self, owner: str, place: Place, limit: int) -> list[Place]:
        """Up to `limit` places behind one, last used first; none at the end.

        By what stands there and not by its number, which is another as soon as one is used or deleted.
        """
        key, found, start = keys.conversations(owner), list[Place](), 0
        while not found:
            first, last = cast("int", place[0]), cast("int", "-inf")  # as is said of scores, which these are
            listed = await self._redis.zrange(
                key, first, last, desc=True, byscore=True, withscores=True, offset=start, num=limit
            )
            if not listed:
                break
            found = [at for one, used_ms in listed if (at := (used_ms, one.decode())) < place]
            start += len(listed)
        return found

    async def standing(self, owner: str, places: Sequence[Place]) -> list[Conversation]:
        """Those of these that are there; one that has gone by itself leaves the list."""
        found, ids = [], [one for _, one in places]
        for one, conversation in zip(ids, await asyncio.gather(*map(self.read, ids)), strict=True):
            if conversation is not None and not conversation.deleted:
                found.append(conversation)
            else:
                await self.unlist(owner, one)
        return found


def size(messages: Sequence[turns.Message]) -> int:
    """What messages count for in a conversation, in bytes."""
    return sum(len(orjson.dumps(message)) for message in messages)
