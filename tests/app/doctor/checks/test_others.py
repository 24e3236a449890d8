from __future__ import annotations

from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.doctor.checks import others
from app.doctor.finding import Finding, Level
from app.stream import keys
from app.stream.board.board import Board
from app.stream.queue import Queue
from app.stream.upgrades.language import VERSION
from tests.app.doctor.checks.patients import found

NAMES = {"front": "front-a-1", "worker": "b:2:c"}


async def said(redis: Redis, kind: str, *, seconds_ago: float = 0, name: str | None = None, **numbers: Any) -> None:
    """A process left its numbers so long ago."""
    name = name or NAMES[kind]
    numbers = {"kind": kind, "version": others.our_version(), **numbers}
    await Board(redis).leave(name, numbers, 1, {})
    record: bytes = await redis.hget(keys.PROCESSES, name)  # type: ignore[assignment,misc]
    at, rest = record.split(b" ", 1)
    await redis.hset(keys.PROCESSES, name, b"%d %s" % (int(at) - int(seconds_ago * 1000), rest))  # type: ignore[misc]
    assert orjson.loads(rest.split(b" ", 1)[1]) == numbers


def levels(findings: list[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


async def test_without_a_worker_prompts_wait_and_then_one_is_needed(redis: Redis, valkey: EmbeddedValkey) -> None:
    assert levels(await found(others.workers, redis_url=valkey.url)) == [Level.WARNING]
    assert levels(await found(others.fronts, redis_url=valkey.url)) == [Level.NOTE]
    assert await found(others.versions, redis_url=valkey.url) == []
    await redis.zadd(keys.JOBS, {"st_1": 1})
    await redis.expire(keys.JOBS, 60)
    assert levels(await found(others.workers, redis_url=valkey.url)) == [Level.MUST]


@pytest.mark.parametrize("kind", ["front", "worker"])
async def test_who_is_there_is_counted_and_who_is_late_is_named(
    redis: Redis, valkey: EmbeddedValkey, kind: str
) -> None:
    check = {"front": others.fronts, "worker": others.workers}[kind]
    await said(redis, kind)
    await said(redis, kind, name="drains", draining=True)
    await said(redis, kind, name="killed", seconds_ago=60)
    await said(redis, kind, name="killed-long-ago", seconds_ago=600)
    there, gone = await found(check, redis_url=valkey.url)
    assert (there.level, there.says) == (Level.OK, "2 are there, 1 draining")
    await said(redis, kind, name="older", version="0.0.1")
    there = (await found(check, redis_url=valkey.url))[0]
    assert there.says == f"3 are there (1 of 0.0.1, 2 of {others.our_version()}), 1 draining"
    assert (gone.level, gone.says) == (Level.NOTE, "killed went 60 s ago without a word")
    async with redis.pubsub() as channel:
        await channel.subscribe(keys.accord("killed"))
        await channel.get_message(timeout=20)
        _, hanging = await found(check, redis_url=valkey.url)
    assert (hanging.level, hanging.says[:19]) == (Level.WARNING, "killed is connected")


async def test_versions_that_differ_are_told(redis: Redis, valkey: EmbeddedValkey) -> None:
    await said(redis, "front")
    assert levels(await found(others.versions, redis_url=valkey.url)) == [Level.OK]
    await said(redis, "worker", version="0.0.1")
    assert levels(await found(others.versions, redis_url=valkey.url)) == [Level.WARNING]
    await said(redis, "front", version="0.0.1")
    assert levels(await found(others.versions, redis_url=valkey.url)) == [Level.NOTE]


async def test_streams_that_no_worker_there_knows_are_a_thing_to_do(redis: Redis, valkey: EmbeddedValkey) -> None:
    await said(redis, "worker")
    assert levels(await found(others.workers, redis_url=valkey.url)) == [Level.OK]
    queue = Queue(redis)
    await queue.submit("st_1", limit=9, life_ms=60_000, version=VERSION + 1)
    assert await queue.claim("w", 1, slots=1, lease_ms=60_000) == []
    there, waits = await found(others.workers, redis_url=valkey.url)
    assert (there.level, waits.level) == (Level.OK, Level.MUST)
    assert waits.says.startswith("1 streams wait for a worker of a newer version")
