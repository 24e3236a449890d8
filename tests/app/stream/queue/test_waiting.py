"""The line as it is seen from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
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


@pytest.fixture
async def many(redis: Redis) -> AsyncIterator[None]:
    """So many workers hear a wake-up that each of them costs more than it brings."""
    async with AsyncExitStack() as stack:
        for _ in range(16):
            other = await stack.enter_async_context(redis.pubsub())
            await other.subscribe(keys.WAKE)
            await other.get_message(timeout=ANSWER_SECONDS)
        yield


@pytest.mark.usefixtures("many")
async def test_many_workers_are_woken_once_for_a_line_that_nobody_has_emptied(queue: Queue, woken: Any) -> None:
    """Whoever has room takes until it is empty; a message to each worker for each stream is dear."""
    await submit(queue, "a", "b", "c")
    assert await woken() == 1
    await take(queue, slots=2)
    await submit(queue, "d")
    assert await woken() == 0
    await take(queue, number=2, slots=9)
    await submit(queue, "e")
    assert await woken() == 1


async def test_few_workers_are_woken_for_each(queue: Queue, woken: Any) -> None:
    """One of their wake-ups that is lost is made good by the next."""
    await submit(queue, "a", "b", "c")
    assert await woken() == 3


@pytest.mark.usefixtures("many")
async def test_workers_are_woken_though_somebody_waits_at_a_gate(queue: Queue, woken: Any) -> None:
    """Behind all who may be taken, as those stand that only a newer worker knows."""
    await submit(queue, "a")
    [claim] = await take(queue)
    await queue.park(claim, "m", LIFE_MS)
    await woken()
    await submit(queue, "b")
    assert await woken() == 1


@pytest.mark.usefixtures("many")
async def test_workers_are_woken_though_somebody_is_to_be_ended_by_a_front(queue: Queue, woken: Any) -> None:
    await submit(queue, "a")
    await queue.hurry("a")
    await woken()
    await submit(queue, "b")
    assert await woken() == 1


async def test_workers_are_woken_for_what_comes_back_and_has_no_room_where_it_was_found(
    redis: Redis, queue: Queue, woken: Any
) -> None:
    await submit(queue, "a", "b")
    await take(queue, slots=2)
    await let_expire(redis, "a", "b")
    await woken()
    await take(queue, "two", slots=2)
    assert await woken() == 0
    await let_expire(redis, "a", "b")
    await take(queue, "three", slots=1)
    assert await woken() == 1


async def test_workers_are_woken_for_what_comes_back_as_somebody_looks(redis: Redis, queue: Queue, woken: Any) -> None:
    await submit(queue, "a")
    await take(queue)
    await let_expire(redis, "a")
    await woken()
    await queue.overdue(LIFE_MS, 10)
    assert await woken() == 1
