"""A worker whose Redis is away, full, empty or forgetful: it holds its streams, goes on, and takes new ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream import frames, keys
from app.stream.redis.connect import connect
from tests.harness.network.proxy import Proxy
from tests.worker.workshop import LIFE_MS, Stream, Workshop, workshop
from worker.claims import jobs


@pytest.fixture
async def proxy(valkey: EmbeddedValkey) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", valkey.port) as made:
        yield made


def through(proxy: Proxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"


def has_text(stream: Stream) -> bool:
    return stream.names.count("content_block_delta") >= 3


@pytest.mark.parametrize("seconds", [0.3, 3.0])
async def test_a_stream_goes_on_after_redis_was_silent(shop: Workshop, proxy: Proxy, seconds: float) -> None:
    async with shop.worker(url=through(proxy), lease_seconds=1.0):
        stream_id = await shop.submit("[[sim: tokens=100 rate=200 tag=silent]]")
        await shop.until(stream_id, has_text)
        proxy.stall()
        await asyncio.sleep(seconds)  # the outage: the upstream goes on meanwhile
        proxy.flow()
        stream = await shop.ended(stream_id)
        assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
        assert (await shop.run("[[sim: tokens=3]]")).outcome == "completed"
    assert (await shop.calls("silent"))["calls"] == 1


async def test_connections_that_are_cut_again_and_again_end_nothing(shop: Workshop, proxy: Proxy) -> None:
    async with shop.worker(url=through(proxy), lease_seconds=5.0):
        ids = [await shop.submit(f"{n} [[sim: tokens=60 rate=60 tag=cuts]]") for n in range(10)]
        for _ in range(20):
            proxy.reset()
            await asyncio.sleep(0.05)
        for stream_id in ids:
            stream = await shop.ended(stream_id)
            assert (stream.outcome, stream.names.count("relay.end")) == ("completed", 1)
            assert "relay.reset" not in stream.names
            assert len(await shop.outbox(stream_id)) == 1
    assert (await shop.calls("cuts"))["calls"] == 10


async def test_half_open_connections_delay_and_lose_nothing(shop: Workshop, proxy: Proxy) -> None:
    async with shop.worker(url=through(proxy), lease_seconds=30.0):
        stream_id = await shop.submit("[[sim: tokens=30 rate=60 tag=half]]")
        await shop.until(stream_id, has_text)
        proxy.silence()
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")


async def test_a_redis_that_comes_back_empty_has_lost_the_stream_and_takes_new_ones(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with EmbeddedValkey.start(tmp_path_factory.mktemp("empty"), extra_config=[("appendonly", "no")]) as server:
        redis: Redis = connect(server.url, "tests")
        async with workshop(redis, server.url) as shop, shop.worker(lease_seconds=1.0) as parts:
            stream_id = await shop.submit("[[sim: tokens=4000 rate=50 tag=lost]]")
            await shop.until(stream_id, has_text)
            server.kill()
            server.restart()
            await shop.eventually(lambda: _is_idle(parts))
            assert (await shop.calls("lost"))["open"] == 0
            assert not await redis.exists(keys.meta(stream_id), keys.log(stream_id))
            assert (await shop.run("[[sim: tokens=3]]")).outcome == "completed"
        await redis.aclose()


async def test_what_waits_is_answered_after_a_redis_that_was_full_for_long(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "AWAY_SECONDS_MAX", 0.1)  # so that in two seconds it is refused as often as in minutes
    async with shop.worker(lease_seconds=1.0):
        ids = [await shop.submit(f"{n} [[sim: tokens=3 rate=200 first=0.1 tag=waits]]") for n in range(5)]
        await shop.redis.config_set("maxmemory", "1")
        await asyncio.sleep(2.0)
        await shop.redis.config_set("maxmemory", "0")
        for stream_id in ids:
            assert (await shop.ended(stream_id)).outcome == "completed"
    assert (await shop.calls("waits"))["calls"] == 5
    assert len(caplog.records) < 20


async def test_streams_in_flight_end_properly_once_there_is_room_again(shop: Workshop) -> None:
    async with shop.worker(lease_seconds=1.0):
        stream_id = await shop.submit("[[sim: tokens=400 rate=200 tag=full]]")
        await shop.until(stream_id, has_text)
        waiting = await shop.submit("[[sim: tokens=3]]")
        await shop.redis.config_set("maxmemory", "1")
        try:
            await asyncio.sleep(1.0)  # the outage: the upstream goes on meanwhile
            assert (await shop.look(stream_id)).meta["state"] == b"running"
        finally:
            await shop.redis.config_set("maxmemory", "0")
        stream = await shop.ended(stream_id)
        assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
        assert (await shop.ended(waiting)).outcome == "completed"


async def test_a_log_that_lost_its_tail_gets_the_same_bytes_again(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=60 rate=60 tag=tail]]")
        await shop.until(stream_id, has_text)
        before = await _lose(shop, stream_id, kept_frames=2)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
    assert b"".join(frame.raw for frame in stream.frames).startswith(before)
    assert stream.json("message")["content"][0]["text"] == stream.text


async def test_a_loss_behind_the_attempt_s_start_begins_a_new_attempt(shop: Workshop) -> None:
    async with shop.worker(retry_wait_max=0.01):
        stream_id = await shop.submit("[[sim: end-after=3 times=1 tag=behind]] [[sim: tokens=60 rate=60]]")
        await shop.until(stream_id, lambda stream: "relay.reset" in stream.names and stream.text != "")
        await _lose(shop, stream_id, kept_frames=2)
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert stream.data("relay.reset") == [{"attempt": 3, "reason": "log_lost"}]
    assert stream.names[2] == "relay.reset"
    assert (await shop.calls("behind"))["calls"] == 3
    assert stream.json("message")["content"][0]["text"] == stream.text


async def test_a_log_that_holds_something_else_is_not_written_over(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=60 rate=60]]")
        await shop.until(stream_id, has_text)
        await shop.redis.set(keys.log(stream_id), b"x" * 100_000, px=LIFE_MS)
        await shop.eventually(lambda: shop.redis.hexists(keys.meta(stream_id), "outcome"))
        await shop.eventually(lambda: shop.outbox(stream_id))
    assert await shop.redis.get(keys.log(stream_id)) == b"x" * 100_000
    assert await shop.redis.hmget(keys.meta(stream_id), "state", "outcome", "message") == [b"ended", b"failed", None]


async def _lose(shop: Workshop, stream_id: str, kept_frames: int) -> bytes:
    """Cuts the log as a Redis does that lost its last writes; returns what it was."""
    raw: bytes = await shop.redis.get(keys.log(stream_id))
    kept = b"".join(frame.raw for frame in list(frames.split(raw))[:kept_frames])
    await shop.redis.set(keys.log(stream_id), kept, px=LIFE_MS)
    return raw


async def _is_idle(parts: object) -> bool:
    return not parts.pool.leases  # type: ignore[attr-defined]
