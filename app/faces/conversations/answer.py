"""A conversation as an answer: as it is kept, newly made, or as a file.

The rule: what is kept is not parsed and not joined, and one moment of a conversation is held once for all who ask for
it (`app.http.whole`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from redis.exceptions import RedisError

from app.faces.conversations.saying import Conversing
from app.faces.conversations.view import around, indented
from app.faces.conversations.view_markdown import transcript
from app.http.whole import Large
from app.intake.submit import again
from app.stream.concurrency.threads import beside
from app.stream.conversations.conversation import Conversation
from app.stream.errors import NoConversationError
from app.stream.redis.connect import AWAY


def kept(conversing: Conversing, found: Conversation) -> Large:
    """The conversation with its messages, which are read when it is this answer's turn."""
    key = (found.id, found.position, found.number("opinions"))
    return Large(conversing.bulk, key, found.bytes + found.number("opinion_bytes"), _maker(conversing, found))


def created(conversing: Conversing, made: Conversation) -> Large:
    """As `kept`, of a new one. Where it cannot be told it is taken back: nobody knows its name."""
    make = _maker(conversing, made)

    async def make_or_forget() -> list[bytes]:
        try:
            return await make()
        except (RedisError, *AWAY):
            conversing.forget(made.owner, made.id)
            raise

    headers = {"location": f"/v1/conversations/{made.id}"}
    key = (made.id, made.position)
    return Large(conversing.bulk, key, made.bytes, make_or_forget, status=201, headers=headers)


def exported(conversing: Conversing, found: Conversation, kind: str) -> Large:
    """A file for people: `json` or `markdown`."""

    async def make() -> list[bytes]:
        whole = await conversing.find(found.owner, found.id, messages=True)
        return await beside(found.bytes, lambda: _file(whole, kind))

    name = f"{found.id}.{'json' if kind == 'json' else 'md'}"
    return Large(
        conversing.bulk,
        (found.id, found.position, kind),
        found.bytes,
        make,
        headers={"content-disposition": f'attachment; filename="{name}"'},
        media_type="application/json" if kind == "json" else "text/markdown",
    )


def _file(found: Conversation, kind: str) -> list[bytes]:
    if kind == "json":
        return indented(found)
    return [transcript(found.text("title"), found.text("system"), found.messages).encode()]


def _maker(conversing: Conversing, found: Conversation) -> Callable[[], Awaitable[list[bytes]]]:
    async def make() -> list[bytes]:
        conversation, messages = await _read(conversing, found)
        pieces = [orjson.dumps(around(conversation))[:-1] + b',"messages":[']
        for message in conversation.versions.marked_raw(messages):
            pieces += [message, b","]
        pieces[-1:] = [b"]}"] if messages else [pieces[-1] + b"]}"]
        return pieces

    return make


async def _read(conversing: Conversing, found: Conversation) -> tuple[Conversation, list[bytes]]:
    """The conversation and its messages, of one moment, in which a stream that it names runs."""
    at = found
    while True:
        read = await again(lambda: conversing.store.raw(found.id, opinions="1"))
        if read is None or read[0].deleted:
            raise NoConversationError(deleted=True)
        if read[0].position == at.position or read[0].stream_id is None:
            return read
        at = await again(lambda: conversing.find(found.owner, found.id))
