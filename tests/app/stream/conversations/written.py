"""A conversation, and the stream that answers it, written by hand."""

from __future__ import annotations

from typing import Any

import orjson
from redis.asyncio import Redis

from app.stream import frames, keys
from app.stream.conversations import turns
from app.stream.conversations.conversation import Change, Conversation, new_conversation_id
from app.stream.conversations.store import Conversations

LIFE_MS = 60_000
STREAM = "st_" + 32 * "a"
OWNER = "me"


async def made(store: Conversations, **fields: str) -> str:
    conversation_id = new_conversation_id()
    await store.create(conversation_id, {"owner": OWNER, **fields}, LIFE_MS)
    return conversation_id


async def read(store: Conversations, conversation_id: str) -> Conversation:
    found = await store.read(conversation_id, messages=True)
    assert found is not None
    return found


def ask(found: Conversation, text: str, stream_id: str = STREAM) -> Change:
    message = turns.user_message(f"msg_{text[:9]}", [{"type": "text", "text": text}], found.now)
    events = [turns.added(message), turns.started(stream_id, message["id"], "m")]
    return Change(events, add=[message], fields={"stream": stream_id, "asked": message["id"]})


def events_of(log: bytes) -> list[tuple[str | None, Any]]:
    return [(frame.name, orjson.loads(frame.data)) for frame in frames.split(log)]


async def names(redis: Redis, conversation_id: str) -> list[str | None]:
    return [name for name, _ in events_of(await redis.get(keys.log(conversation_id)))]
