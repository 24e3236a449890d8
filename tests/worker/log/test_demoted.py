"""The primary behind a stable address becomes a replica while every connection to it lives on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.stream import keys
from app.stream.channel import Channel
from app.stream.redis import accord
from app.stream.redis.accord import Accord
from app.stream.redis.connect import connect
from tests.harness.network.pair import Pair
from tests.worker.workshop import Stream, workshop

HEALED_SECONDS = 8.0


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with Pair(tmp_path) as made:
        yield made


@pytest.fixture
async def there(pair: Pair) -> AsyncIterator[Redis]:
    """A client of the address that stays."""
    client: Redis = connect(pair.url, "tests")
    yield client
    await client.aclose()


def has_text(stream: Stream) -> bool:
    return stream.names.count("content_block_delta") >= 3


async def test_running_and_waiting_streams_complete_and_new_ones_are_taken(
    pair: Pair, there: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with workshop(there, pair.url) as shop, shop.worker(lease_seconds=2.0, worker_streams=2):
        running = [await shop.submit(f"{n} [[sim: tokens=150 rate=50 first=0 tag=run]]") for n in range(2)]
        waiting = [await shop.submit(f"{n} [[sim: tokens=3 tag=wait]]") for n in range(2)]
        for stream_id in running:
            await shop.until(stream_id, has_text)
        await pair.swap()
        async with asyncio.timeout(HEALED_SECONDS):
            late = await shop.submit("[[sim: tokens=3 tag=late]]")
        for stream_id in [*running, *waiting, late]:
            stream = await shop.ended(stream_id)
            assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
        async with asyncio.timeout(HEALED_SECONDS):
            while (await there.pubsub_numsub(keys.WAKE))[0][1] != 1:
                await asyncio.sleep(0.05)
        for tag, count in (("run", 2), ("wait", 2), ("late", 1)):
            assert (await shop.calls(tag))["calls"] == count
    assert len(caplog.records) < 40


async def test_an_idle_worker_takes_what_comes_within_seconds(pair: Pair, there: Redis) -> None:
    async with workshop(there, pair.url) as shop, shop.worker(lease_seconds=30.0):
        assert (await shop.run("[[sim: tokens=1]]")).outcome == "completed"
        await pair.swap()
        async with asyncio.timeout(HEALED_SECONDS):
            assert (await shop.run("[[sim: tokens=1]]")).outcome == "completed"


async def test_who_only_reads_leaves_a_demoted_primary_too(pair: Pair, there: Redis) -> None:
    await there.set("a", "old", px=60_000)
    await pair.swap()
    async with Redis.from_url(pair.primary.url) as other, Redis.from_url(pair.replica.url) as old:
        await other.set("a", "new", px=60_000)
        await old.execute_command("REPLICAOF", "127.0.0.1", "1")  # which hears nothing of it
        async with asyncio.timeout(HEALED_SECONDS):
            while await there.get("a") != b"new":
                await asyncio.sleep(0.02)


async def test_a_server_that_is_a_replica_is_away_for_who_connects(pair: Pair) -> None:
    async with connect(pair.replica.url, "tests", retries=0) as redis:
        with pytest.raises(RedisConnectionError, match="instead of a primary"):
            await redis.get("a")


async def test_the_channel_follows_the_commands_to_the_new_primary(
    pair: Pair, there: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accord, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(accord, "AGAIN_SECONDS", 0.1)
    name = keys.accord("tests")
    async with Channel(there) as channel:
        watching = asyncio.create_task(Accord(there, channel, name).watch())
        async with Redis.from_url(pair.primary.url) as old:
            while not (await old.pubsub_numsub(name))[0][1]:
                await asyncio.sleep(0.01)
        await pair.swap()
        async with Redis.from_url(pair.primary.url) as new, asyncio.timeout(HEALED_SECONDS):
            while not (await new.pubsub_numsub(name))[0][1]:
                await asyncio.sleep(0.02)
        watching.cancel()
