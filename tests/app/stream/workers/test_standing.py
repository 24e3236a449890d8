from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.board.board import Board
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
    assert found.capacity == 0  # it has not said
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


@pytest.mark.usefixtures("valkey")
async def test_what_workers_may_run_is_added_up_of_those_that_take_any(redis: Redis) -> None:
    queue, board = Queue(redis), Board(redis)
    for name, capacity, draining in (("a", 50, False), ("b", 20, False), ("c", 7, True)):
        await queue.renew(name, [], 10_000)
        await board.leave(name, {"kind": "worker", "capacity": capacity, "draining": draining}, 1, {})
    await board.leave("gone", {"kind": "worker", "capacity": 7, "draining": False}, 1, {})
    found = await standing(redis, LEASE_SECONDS)
    assert (found.workers, found.capacity) == (3, 70)


@pytest.mark.usefixtures("valkey")
async def test_a_model_is_held_where_somebody_waits_for_it(redis: Redis) -> None:
    for model, waits in (("held", 1), ("over", 0)):
        await redis.sadd(keys.LINES, model)  # type: ignore[misc]  # redis-py's types mix both clients
        if waits:
            await redis.zadd(keys.gate_line(model), {"st_1": 1})
            await redis.expire(keys.gate_line(model), 60)
    await redis.expire(keys.LINES, 60)
    assert (await standing(redis, LEASE_SECONDS)).held_models == 1
