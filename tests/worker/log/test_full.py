"""A Redis that has no room: what ends, gives back and deletes goes on; what takes more does not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from app.intake.streams import Streams
from app.prices import Prices
from app.stream import keys
from app.stream.conversations.conversation import Changed
from app.stream.conversations.store import Conversations
from app.stream.log import Claim, Log
from app.stream.queue import Queue
from app.stream.scripts import source_on_full
from app.stream.timeline.noting import keeping
from app.watch.observers import observed
from app.watch.timeline.keeper import Timelines
from tests.worker.workshop import LIFE_MS, Stream, Workshop

SOON = 5.0  # all of it is to happen while there is still no room


def has_text(stream: Stream) -> bool:
    return stream.names.count("content_block_delta") >= 3


@asynccontextmanager
async def full(redis: Redis) -> AsyncIterator[None]:
    await redis.config_set("maxmemory", "1")
    try:
        async with asyncio.timeout(SOON):
            yield
    finally:
        await redis.config_set("maxmemory", "0")


def front(shop: Workshop) -> Streams:
    conversations = Conversations(shop.redis, shop.log)
    return Streams(shop.log, shop.queue, conversations, shop.settings, "front", pricing=Prices().cost)


async def test_a_running_stream_is_cancelled(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=2000 rate=50 first=0 tag=cancel]]")
        await shop.until(stream_id, has_text)
        async with full(shop.redis):
            await asyncio.sleep(0.3)  # so that some of its text has been refused
            await front(shop).cancel(stream_id)
            stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names[-1]) == ("cancelled", "relay.end")
    assert len(await shop.outbox(stream_id)) == 1


async def test_a_waiting_stream_is_cancelled(shop: Workshop) -> None:
    stream_id = await shop.submit("nobody is there")
    async with full(shop.redis):
        await front(shop).cancel(stream_id)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names) == ("cancelled", ["relay.end"])


async def test_a_stream_that_a_worker_took_is_not_called_and_can_be_cancelled(shop: Workshop) -> None:
    ids = [await shop.submit(f"{n} [[sim: tokens=3 tag=taken]]") for n in range(2)]
    async with full(shop.redis), shop.worker(lease_seconds=1.0) as parts:
        await shop.eventually(lambda: shop.redis.zcard(keys.LEASES))
        await asyncio.sleep(0.5)
        assert (await shop.calls("taken"))["calls"] == 0
        await front(shop).cancel(ids[0])
        assert (await shop.ended(ids[0])).outcome == "cancelled"
        await shop.redis.config_set("maxmemory", "0")
        stream = await shop.ended(ids[1])
        assert not parts.pool.leases
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
    assert (await shop.calls("taken"))["calls"] == 1


@pytest.mark.parametrize("running", [True, False])
async def test_a_drain_gives_back_what_it_holds(shop: Workshop, *, running: bool) -> None:
    async with shop.worker(lease_seconds=60.0) as parts:
        if running:
            stream_id = await shop.submit("[[sim: tokens=100 rate=50 first=0 tag=drain]]")
            await shop.until(stream_id, has_text)
        async with full(shop.redis):
            if not running:
                await shop.redis.config_set("maxmemory", "0")
                stream_id = await shop.submit("[[sim: tokens=3 tag=drain first=1]]")
                await shop.redis.config_set("maxmemory", "1")
                await shop.eventually(lambda: shop.redis.zcard(keys.LEASES))
            await asyncio.sleep(0.3)
            parts.pool.stop_taking()
            parts.pool.hand_over()
            await parts.pool.empty()
            assert await shop.redis.zscore(keys.JOBS, stream_id) is not None
            assert not await shop.redis.exists(keys.LEASES)
    async with shop.worker("another"):
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"


async def test_an_answer_that_is_complete_gets_its_ending(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=60 rate=100 first=0]]")
        await shop.until(stream_id, has_text)
        async with full(shop.redis):
            stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert stream.json("message")["content"][0]["text"] == stream.text


async def test_what_would_take_more_room_is_refused_and_leaves_nothing(redis: Redis) -> None:
    log, queue = Log(redis), Queue(redis)
    await log.open("st_a", {"owner": "me"})
    await queue.submit("st_a", limit=10, life_ms=LIFE_MS)
    claim = Claim("st_a", 1, "w/1")
    await log.begin(claim)
    async with full(redis):
        before = await redis.dbsize()
        for ask in (
            lambda: log.open("st_b", {"owner": "me"}),
            lambda: queue.submit("st_b", limit=10, life_ms=LIFE_MS),
            lambda: log.append(claim, 0, b"event: a\n\n"),
        ):
            with pytest.raises(OutOfMemoryError):
                await ask()
        assert await redis.dbsize() == before
        assert not (await log.begin(claim, count=True)).counted


async def test_leases_are_renewed_and_conversations_deleted(redis: Redis) -> None:
    log, queue = Log(redis), Queue(redis)
    number = itertools.count(1)
    conversations = Conversations(redis, log)
    await conversations.create("cv_a", {"owner": "me"}, LIFE_MS)
    conversation = await conversations.read("cv_a")
    assert conversation is not None
    await log.open("st_a", {"owner": "me"})
    await queue.submit("st_a", limit=10, life_ms=LIFE_MS)
    async with full(redis):
        claims = await queue.claim("w", next(number), slots=1, lease_ms=60_000)
        assert [claim.stream_id for claim in claims] == ["st_a"]
        assert await queue.renew("w", claims, 60_000) == set()
        assert await queue.give_back(claims) == 1
        assert await conversations.delete(conversation) is Changed.OK
        assert await redis.exists(keys.messages("cv_a")) == 0


def test_what_may_run_on_a_full_redis_says_so_first() -> None:
    assert source_on_full("queue/done").startswith("#!lua flags=allow-oom\n")


async def test_a_timeline_is_no_reason_to_grow(shop: Workshop) -> None:
    timelines = Timelines("worker")
    with observed(timelines), keeping(timelines):
        async with shop.worker():
            stream_id = await shop.submit("[[sim: tokens=2000 rate=50 first=0]]")
            await shop.until(stream_id, has_text)
            async with full(shop.redis):
                await asyncio.sleep(0.3)  # so that some of its text has been refused
                before = await shop.redis.hget(keys.meta(stream_id), "timeline")
                await front(shop).cancel(stream_id)
                stream = await shop.ended(stream_id)
    assert stream.outcome == "cancelled"
    assert before is not None
    assert b"stream.first_content" in before
    assert stream.meta["timeline"] == before
