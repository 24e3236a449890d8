"""What the front does with conversations as they are kept: find, create, change, fork and delete them.

The rule: what happened was said to have happened, and what was said to have failed did not (see `submit`). Knows no
HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

import orjson
from redis.exceptions import RedisError

from app.http.bulk import Bulk
from app.intake.prompt import InvalidPromptError, Prompt
from app.intake.streams import Streams
from app.intake.submit import Accepted, Along, again
from app.settings import Settings
from app.stream.conversations import turns
from app.stream.conversations.conversation import Change, Changed, Conversation, new_conversation_id
from app.stream.conversations.store import Conversations
from app.stream.errors import NoConversationError, TooManyConversationsError
from app.stream.redis.connect import AWAY

NO_HEADERS: Mapping[str, str] = {}


class Submits(Protocol):
    """How a prompt of this caller's is accepted."""

    async def submit(
        self,
        prompt: Prompt,
        *,
        idempotency_key: str | None,
        fields: Mapping[str, str | bytes],
        along: Along,
        inherited: Mapping[str, str] = NO_HEADERS,
    ) -> Accepted:
        """Raises as `Streams.submit` does, and what the caller's limits make of it. `inherited` are headers of an
        earlier request.
        """

    async def resubmit(self, stream_id: str, idempotency_key: str, digest: str) -> bool:
        """As `Streams.resubmit`."""

    def max_tokens(self, default: int) -> int:
        """How long an answer may be of which nobody said it."""


class Keeping:
    """Conversations as things that are kept."""

    def __init__(self, streams: Streams, settings: Settings, bulk: Bulk) -> None:
        self.store: Conversations = streams.conversations
        self.bulk = bulk
        self._streams = streams
        self._settings = settings

    @property
    def _life_ms(self) -> int:
        return int(self._settings.conversation_ttl * 1000)

    async def find(self, owner: str, conversation_id: str, *, messages: bool = False) -> Conversation:
        """A conversation of this owner's, with the answer of a stream that has ended. Raises `NoConversationError`.

        With its messages it may be large: whoever asks for them has a turn (`bulk`).
        """
        found = await self.store.settled(conversation_id, owner)
        if found is None or found.owner != owner:  # in as many steps for a stranger as where it never was
            raise NoConversationError(deleted=await self.store.was_deleted(owner, conversation_id))
        self._of(owner, found)
        if not messages:
            return found
        whole = await self.store.read(conversation_id, messages=True)
        return self._of(owner, whole) or await self.find(owner, conversation_id)

    def _of(self, owner: str, found: Conversation | None) -> Conversation | None:
        """None for one that is not there. Raises `NoConversationError` for one that is not this owner's, or deleted."""
        if found is not None and (found.owner != owner or found.deleted):
            raise NoConversationError(deleted=found.owner == owner)
        return found

    async def create(
        self, owner: str, fields: Mapping[str, str], messages: tuple[turns.Message, ...] = ()
    ) -> Conversation:
        """Makes a conversation. Raises `TooManyConversationsError`."""
        conversation_id = new_conversation_id()
        # Listed last: what is listed and not there is taken off the list by whoever looks at it.
        store, most = self.store, self._settings.conversation_limit

        try:
            await again(lambda: store.create(conversation_id, {"owner": owner, **fields}, self._life_ms, messages))
            if not await again(lambda: store.enlist(owner, conversation_id, most, self._life_ms)):
                await self._or_later(partial(self._drop, owner, conversation_id))
                raise TooManyConversationsError("there are as many conversations as may be kept; delete some first")
            return await again(lambda: self.find(owner, conversation_id))
        except (RedisError, *AWAY):
            self.forget(owner, conversation_id)
            raise

    def forget(self, owner: str, conversation_id: str) -> None:
        """Takes back a `create` whose request gets an error: nobody knows its name."""
        self._streams.owed.add("conversation", partial(self._drop, owner, conversation_id), self._settings.stream_ttl)

    async def _drop(self, owner: str, conversation_id: str) -> None:
        await self.store.unlist(owner, conversation_id)
        await self.store.drop(conversation_id)

    async def update(self, owner: str, conversation_id: str, fields: Mapping[str, str]) -> Conversation:
        """Sets title, system or model; '' takes one away."""
        while True:
            found = await self.find(owner, conversation_id)
            now = {name: fields.get(name, found.text(name) or "") or None for name in ("title", "system", "model")}
            named = {"provisional": ""} if "title" in fields else {}
            change = Change([turns.updated(**now)], fields={**fields, **named, "life": self._life_ms})
            if await again(lambda: self.store.change(found, change)) is Changed.OK:  # noqa: B023  # is awaited right here
                await self._or_later(lambda: self.store.used(found))  # noqa: B023  # it is the last one
                try:
                    return await again(lambda: self.find(owner, conversation_id))
                except (RedisError, *AWAY):  # it was changed, whatever stands there by now
                    changed = {name: text.encode() for name, text in fields.items()}
                    return replace(found, meta={**found.meta, **changed, "updated_at": str(found.now).encode()})

    async def delete(self, owner: str, conversation_id: str) -> None:
        found = await again(lambda: self.find(owner, conversation_id))
        try:
            while await again(lambda: self.store.delete(found)) is Changed.MOVED:  # noqa: B023  # is awaited right here
                now = await again(lambda: self.store.read(conversation_id))
                if now is None or now.deleted:  # by ourselves, where the reply to a first try was lost
                    break
                found = now
        finally:
            await self._or_later(partial(self._clear, found))

    async def _clear(self, found: Conversation) -> None:
        """What is left to do of a conversation that was deleted, if it was."""
        now = await self.store.read(found.id)
        if now is not None and not now.deleted:
            return
        await self.store.unlist(found.owner, found.id)
        if found.stream_id is not None:
            await self._streams.cancel(found.stream_id)

    async def fork(self, owner: str, conversation_id: str, at: str, title: str | None) -> Conversation:
        """A new conversation that goes as this one did up to the message `at`. Raises `InvalidPromptError`."""
        found = await self.find(owner, conversation_id)
        async with self.bulk.turn(found.bytes):
            return await self._fork(await self.find(owner, conversation_id, messages=True), at, title)

    async def _fork(self, found: Conversation, at: str, title: str | None) -> Conversation:
        ids = [message["id"] for message in found.messages]
        if at not in ids:
            raise InvalidPromptError("at: there is no such message in this conversation")
        fields = {name: found.text(name) or "" for name in ("title", "system", "model")}
        fields["forked_from"] = orjson.dumps({"id": found.id, "at": at}).decode()
        if title is not None:
            fields["title"] = title
        return await self.create(found.owner, fields, found.messages[: ids.index(at) + 1])

    async def _or_later(self, work: Callable[[], Awaitable[object]]) -> None:
        """Does what no answer depends on, now or once Redis is back."""
        try:
            await work()
        except (RedisError, *AWAY):
            self._streams.owed.add("conversation", work, self._settings.stream_ttl)
