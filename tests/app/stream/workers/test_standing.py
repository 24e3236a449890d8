from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.queue import Queue
from app.stream.workers.standing import standing

LEASE_SECONDS = 10.0


@pytest.mark.usefixtures("valkey")  # fakeredis has no INFO
async def test_it_is_told_how_many_wait_and_run_and_who_is_there(redis: Redis) -> None:
    queue = Queue(redis)
    for number in range(3):
        await queue.submit(f"st_{number}", limit=10, life_ms=60_000)
    [claim] = await queue.claim("w", 1, slots=1, lease_ms=10_000)
    await queue.renew("w", [claim], 10_000)
    found = await standing(redis, LEASE_SECONDS)
    assert (found.waiting, found.leases, found.workers, found.held_models) == (2, 1, 1, 0)
    assert 0 <= found.oldest_seconds < 60
    assert found.used_bytes > 0
    assert found.max_bytes >= 0


@pytest.mark.usefixtures("valkey")  # fakeredis has no INFO
async def test_who_has_not_renewed_is_not_counted(redis: Redis) -> None:
    seconds, _ = await redis.time()
    ages: dict[Any, float] = {"old": (seconds - 30) * 1000, "new": seconds * 1000}
    await redis.zadd(keys.WORKERS, ages)
    await redis.expire(keys.WORKERS, 60)
    assert (await standing(redis, LEASE_SECONDS)).workers == 1


@pytest.mark.usefixtures("valkey")  # fakeredis has no INFO
async def test_an_empty_queue_is_told_as_such(redis: Redis) -> None:
    found = await standing(redis, LEASE_SECONDS)
    assert (found.waiting, found.oldest_seconds, found.leases, found.workers) == (0, 0.0, 0, 0)
