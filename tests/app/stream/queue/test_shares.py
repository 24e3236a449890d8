"""How much of the line is whose, and for how long they have waited in it."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import NO_DEMAND, share_of
from app.stream.errors import QueueFullError
from app.stream.queue import Queue
from tests.app.stream.queue.line import LEASE_MS, LIFE_MS, ROOM, cancel, many, park, say, take


async def test_one_owner_cannot_fill_the_line(queue: Queue) -> None:
    await say(queue, *many("flood", 5), limit=10)
    with pytest.raises(QueueFullError, match="your streams"):
        await say(queue, "flood:5", limit=10)
    await say(queue, *many("b", 3), limit=10)  # a third: one may come who does not wait yet
    with pytest.raises(QueueFullError, match="your streams"):
        await say(queue, "b:3", limit=10)
    await say(queue, *many("c", 2), limit=10)
    with pytest.raises(QueueFullError, match="too many streams"):
        await say(queue, "d:0", limit=10)


async def test_a_share_is_by_weight(queue: Queue) -> None:
    await say(queue, *many("heavy", 6), weight=3, limit=8)
    with pytest.raises(QueueFullError, match="your streams"):
        await say(queue, "heavy:6", weight=3, limit=8)


async def test_one_owner_s_large_prompts_leave_room_for_others(redis: Redis, queue: Queue) -> None:
    async def large(stream_id: str, size: int) -> None:
        share = share_of(stream_id.partition(":")[0], NO_DEMAND)
        await queue.submit(stream_id, limit=ROOM, life_ms=LIFE_MS, share=share, size=size, most_bytes=100)

    await large("flood:0", 30)
    await large("flood:1", 20)
    for size in (1, 30):
        with pytest.raises(QueueFullError, match="your streams"):
            await large("flood:2", size)
    await large("other:0", 40)
    [claim] = await queue.claim("worker", 1, slots=1, lease_ms=LEASE_MS, stream_id="flood:0")
    with pytest.raises(QueueFullError, match="your streams"):
        await large("flood:2", 14)  # a third is 33
    await large("flood:2", 13)
    await queue.give_back([claim])
    with pytest.raises(QueueFullError, match="too many streams"):
        await large("new:0", 1)
    await cancel(queue, "flood:0", "flood:1", "flood:2", "other:0")
    assert not await redis.exists(keys.OWNERS)


async def test_whoever_has_none_waiting_may_have_one_while_there_is_room(queue: Queue) -> None:
    for n in range(8):
        await say(queue, f"owner-{n}:0", weight=100 if n < 7 else 0.01, limit=8)


async def test_what_leaves_the_line_leaves_its_share(queue: Queue) -> None:
    await say(queue, *many("flood", 5), limit=10)
    await take(queue, slots=2)
    await say(queue, "flood:5", "flood:6", limit=10)
    with pytest.raises(QueueFullError):
        await say(queue, "flood:7", limit=10)


async def test_where_nobody_is_asked_who_they_are_all_of_the_line_is_theirs(queue: Queue) -> None:
    for n in range(10):
        await queue.submit(f"st_{n}", limit=10, life_ms=LIFE_MS)
    with pytest.raises(QueueFullError, match="too many streams"):
        await queue.submit("st_10", limit=10, life_ms=LIFE_MS)


# --- since when


async def test_a_wait_is_counted_from_the_submit_whatever_place_one_has(redis: Redis, queue: Queue) -> None:
    assert await queue.longest_wait() == 0
    await say(queue, *many("a", 3))
    await park(queue, "a:0")
    since = await redis.zscore(keys.SINCE, "a:1")
    for n, ago in enumerate((60_000, 30_000, 10_000)):
        await redis.zincrby(keys.SINCE, -ago, f"a:{n}")
    assert 59 < await queue.longest_wait() < 90
    assert await queue.overdue(20_000, 10) == ["a:0", "a:1"]
    [claim] = await queue.claim("worker", 1, slots=1, lease_ms=LEASE_MS, stream_id="a:1")
    assert await queue.overdue(20_000, 10) == ["a:0"]
    await queue.give_back([claim])
    assert await redis.zscore(keys.SINCE, "a:1") == since
