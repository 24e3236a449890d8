"""A title is asked for once, whoever asks how often, and never takes the place of a person's."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from app.faces.conversations.listed import naming
from app.faces.conversations.saying import Conversing
from app.stream import keys
from app.stream.conversations.conversation import Conversation
from app.stream.errors import NoConversationError
from tests.app.faces.conversations.test_saying import OWNER, conversing, say, submits
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "PAUSES", (0.005,))


async def ends(redis: Redis, stream_id: str, text: str) -> None:
    """The worker's part: the stream has ended with a Message of this text."""
    message = orjson.dumps({"content": [{"type": "text", "text": text}]})
    facts = {"state": "ended", "outcome": "completed", "message": message}
    await redis.hset(keys.meta(stream_id), mapping=facts)  # type: ignore[misc, arg-type]


async def begun(redis: Redis, front: Conversing) -> Conversation:
    found = await front.create(OWNER, {})
    await ends(redis, await say(front, found, content="Why are there tides?"), "The moon.")
    return await front.find(OWNER, found.id)


async def asked(front: Conversing, found: Conversation) -> str:
    """The stream of the title that was asked for."""
    async with asyncio.timeout(PATIENCE):
        while (stream_id := await front._streams.queue.find(OWNER, f"title of {found.id}")) is None:
            await asyncio.sleep(0.005)
    return stream_id


async def test_two_who_ask_at_once_are_one_call_and_have_the_same_title(redis: Redis) -> None:
    front = conversing(redis, title_model="cheap")
    found = await begun(redis, front)
    assert found.text("title") == "Why are there tides?"
    both = asyncio.gather(*(front.name(OWNER, found.id, submits(front)) for _ in range(2)))
    stream_id = await asked(front, found)
    meta: dict[bytes, bytes] = await redis.hgetall(keys.meta(stream_id))  # type: ignore[misc]
    assert (meta[b"model"], meta[b"owner"]) == (b"cheap", OWNER.encode())
    await ends(redis, stream_id, '"Moon and tides"\nand more')
    assert await both == ["Moon and tides"] * 2
    now = await front.find(OWNER, found.id)
    assert now.text("title") == "Moon and tides"
    assert await front.name(OWNER, found.id, submits(front)) == "Moon and tides"
    assert await redis.zcard(keys.JOBS) == 2, "the message, and one title"


async def test_a_title_that_a_person_gives_meanwhile_stays(redis: Redis) -> None:
    front = conversing(redis)
    found = await begun(redis, front)
    one = asyncio.create_task(front.name(OWNER, found.id, submits(front)))
    stream_id = await asked(front, found)
    await front.update(OWNER, found.id, {"title": "Mine"})
    await ends(redis, stream_id, "The model's")
    assert await one == "Mine"
    assert (await front.find(OWNER, found.id)).text("title") == "Mine"


async def test_where_there_is_nothing_to_name_nothing_is_asked(redis: Redis) -> None:
    front = conversing(redis)
    given, empty = await front.create(OWNER, {"title": "Given"}), await front.create(OWNER, {})
    assert await front.name(OWNER, given.id, submits(front)) == "Given"
    assert await front.name(OWNER, empty.id, submits(front)) is None
    assert await redis.keys("ks:{st_*}:meta") == []
    with pytest.raises(NoConversationError):
        await front.name("you", given.id, submits(front))


@pytest.mark.parametrize("facts", [{"state": "ended", "outcome": "failed"}, None])
async def test_a_title_that_does_not_come_leaves_the_first_words(redis: Redis, facts: dict[str, Any] | None) -> None:
    front = conversing(redis)
    found = await begun(redis, front)
    one = asyncio.create_task(front.name(OWNER, found.id, submits(front)))
    stream_id = await asked(front, found)
    if facts is None:
        await redis.delete(keys.meta(stream_id))
    else:
        await redis.hset(keys.meta(stream_id), mapping=facts)  # type: ignore[misc]
    assert await one == "Why are there tides?"
