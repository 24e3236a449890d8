"""What is kept whole, as an answer: a conversation, a finished Message. They go out as they are kept.

The rule: nothing is parsed, nothing is joined, and one moment of a conversation is held once for all who ask for it
(`large`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from redis.exceptions import RedisError

from app.faces.base.front import Front
from app.http.errors import ApiError
from app.http.large import Large
from app.intake.submit import again
from app.stream.conversations.store import Conversation
from app.stream.errors import NoConversationError
from app.stream.redis.connect import AWAY

Around = Callable[[Conversation], dict[str, Any]]


def kept(front: Front, found: Conversation, around: Around) -> Large:
    """`around` makes what stands around the messages of a conversation.

    They are read when it is this answer's turn.
    """
    return Large(front.conversing.bulk, (found.id, found.position), found.bytes, _maker(front, found, around))


def created(front: Front, made: Conversation, around: Around) -> Large:
    """As `kept`, of a new one. Where it cannot be told it is taken back: nobody knows its name."""
    make = _maker(front, made, around)

    async def make_or_forget() -> list[bytes]:
        try:
            return await make()
        except (RedisError, *AWAY):
            front.conversing.forget(made.owner, made.id)
            raise

    headers = {"location": f"/v1/conversations/{made.id}"}
    key = (made.id, made.position)
    return Large(front.conversing.bulk, key, made.bytes, make_or_forget, status=201, headers=headers)


def _maker(front: Front, found: Conversation, around: Around) -> Callable[[], Awaitable[list[bytes]]]:
    async def make() -> list[bytes]:
        conversation, messages = await _read(front, found)
        pieces = [orjson.dumps(around(conversation))[:-1] + b',"messages":[']
        for message in messages:
            pieces += [message, b","]
        pieces[-1:] = [b"]}"] if messages else [pieces[-1] + b"]}"]
        return pieces

    return make


async def _read(front: Front, found: Conversation) -> tuple[Conversation, list[bytes]]:
    """The conversation and its messages, of one moment, in which a stream that it names runs."""
    conversing, at = front.conversing, found
    while True:
        read = await again(lambda: conversing.store.raw(found.id))
        if read is None or read[0].deleted:
            raise NoConversationError(deleted=True)
        if read[0].position == at.position or read[0].stream_id is None:
            return read
        at = await again(lambda: conversing.find(found.owner, found.id))


def message_of(
    front: Front,
    stream_id: str,
    size: int,
    headers: Mapping[str, str] | None = None,
    *,
    before: bytes = b"",
    after: bytes = b"",
    patient: bool = False,
) -> Large:
    """The Message of a stream that has ended, of `size` bytes, between `before` and `after`."""

    async def make() -> list[bytes]:
        meta = await again(lambda: front.streams.log.meta(stream_id, "message"))
        if meta is None or "message" not in meta:
            raise ApiError(410, "the stream has ended and is no longer kept")
        return [meta["message"]]

    bulk = front.conversing.bulk
    key = "message", stream_id
    return Large(bulk, key, size, make, headers=headers, before=before, after=after, patient=patient)
