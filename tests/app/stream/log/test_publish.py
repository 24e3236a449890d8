"""What is told on the channel of what is written."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.frames import Position
from app.stream.log import Log, State
from tests.app.stream.log.written import FIRST, SECOND, STREAM, end, lose_tail, next_message
from tests.app.stream.telling import accept, tell, write


@pytest.fixture
async def heard(redis: Redis, start: Position) -> Any:
    """What is published, one payload at a time."""
    assert start.offset == 0
    async with redis.pubsub() as listener:
        await listener.subscribe(keys.channel(STREAM), keys.control(STREAM))
        for _ in range(2):
            assert (await next_message(listener))["type"] == "subscribe"

        async def payload() -> bytes:
            return bytes((await next_message(listener))["data"])

        yield payload


async def test_what_is_appended_is_published_with_the_place_where_it_starts(
    log: Log, start: Position, heard: Any
) -> None:
    one, at = tell(start, "one")
    two, after = tell(at, "two\nlines", "🌊")
    await log.append(FIRST, 0, one)
    await log.append(FIRST, at.offset, two)
    assert await heard() == b"0:" + one
    assert await heard() == b"%d:" % at.offset + two
    ending, _ = await end(log, FIRST, after)
    assert await heard() == b"%d:" % after.offset + ending


async def test_a_repetition_publishes_only_what_it_brings(redis: Redis, log: Log, start: Position, heard: Any) -> None:
    one, at = tell(start, "one")
    both, after = tell(start, "one", "two")
    await log.append(FIRST, 0, one)
    assert await heard() == b"0:" + one
    await log.append(FIRST, 0, one)
    await log.append(FIRST, 0, both)
    assert await heard() == b"%d:" % at.offset + both[at.offset :]
    await lose_tail(redis, 10)
    await log.append(FIRST, 0, both)
    assert await heard() == b"10:" + both[10:]
    # What was refused, or brought nothing, is not heard: the next thing is the last append.
    await log.begin(SECOND)
    await log.append(FIRST, after.offset, both)
    await log.append(SECOND, after.offset, b"", {"attempt": 2})
    await write(log, SECOND, after, "three")
    assert await heard() == b"%d:" % after.offset + tell(after, "three")[0]


async def test_a_cancellation_is_published_and_stays_to_be_found(
    redis: Redis, log: Log, start: Position, heard: Any
) -> None:
    assert await log.cancel(STREAM) is State.RUNNING
    assert await heard() == b"cancel"
    told, after = tell(start, "one")
    assert (await log.append(FIRST, 0, told)).cancelled
    assert (await log.append(FIRST, 0, told)).cancelled
    assert (await log.begin(SECOND)).meta["cancel"] == b"1"
    await redis.hdel(keys.meta(STREAM), "cancel")
    assert not (await log.append(SECOND, after.offset, b"")).cancelled


async def test_the_answer_to_a_cancellation_is_the_state(redis: Redis, log: Log) -> None:
    assert await log.cancel(STREAM) is State.UNKNOWN
    assert await redis.keys("*") == []
    position = await accept(log, STREAM)
    assert await log.cancel(STREAM) is State.QUEUED
    await log.begin(FIRST)
    assert await log.cancel(STREAM) is State.RUNNING
    await redis.hdel(keys.meta(STREAM), "cancel")
    await end(log, FIRST, position)
    before = await redis.hgetall(keys.meta(STREAM))
    assert await log.cancel(STREAM) is State.ENDED
    assert await redis.hgetall(keys.meta(STREAM)) == before
