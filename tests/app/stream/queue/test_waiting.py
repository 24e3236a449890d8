"""The line as it is seen from outside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.errors import QueueFullError
from app.stream.queue import Queue
from tests.app.stream.queue.line import ANSWER_SECONDS, LIFE_MS, in_line, let_expire, submit, take


async def test_who_waited_too_long_is_told_oldest_first(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c", "d")
    await take(queue, slots=2)
    await let_expire(redis, "b")
    assert await queue.overdue(LIFE_MS, 10) == []
    assert await in_line(redis) == ["b", "c", "d"]
    await asyncio.sleep(0.002)
    assert await queue.overdue(1, 10) == ["b", "c", "d"]
    assert await queue.overdue(1, 2) == ["b", "c"]


@pytest.fixture
async def woken(redis: Redis) -> Any:
    """Whether a wake-up was published since it was last asked."""
    async with redis.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe(keys.WAKE)
        await listener.get_message(timeout=ANSWER_SECONDS)
        marks = 0

        async def ask() -> int:
            nonlocal marks
            marks += 1
            await redis.publish(keys.WAKE, f"mark {marks}")
            woken = 0
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    message = await listener.get_message(timeout=1)
                    if message is not None and message["data"] == f"mark {marks}".encode():
                        return woken
                    woken += message is not None

        yield ask


async def test_workers_are_woken_for_what_is_new_in_the_line(redis: Redis, queue: Queue, woken: Any) -> None:
    await submit(queue, "a")
    assert await woken() == 1
    claims = await take(queue)
    assert await woken() == 0
    await queue.give_back(claims)
    assert await woken() == 1
    await queue.give_back(claims)
    assert await woken() == 0
    with pytest.raises(QueueFullError):
        await queue.submit("b", limit=1, life_ms=LIFE_MS)
    assert await woken() == 0
    assert await in_line(redis) == ["a"]
