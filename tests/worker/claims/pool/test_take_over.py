"""A stream whose worker is gone has another, and what that costs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.stream import frames, keys
from app.stream.log import Claim
from tests.worker.claims.pool.watching import LONG_MS, closed, empty, has_text, is_free
from tests.worker.workshop import Workshop


async def claimed_by_another(shop: Workshop, stream_id: str, lease_ms: int = 1) -> Claim:
    """Somebody else's claim, whose lease is over at once."""
    (claim,) = await shop.queue.claim(f"other-{stream_id}", 1, slots=1, lease_ms=lease_ms, stream_id=stream_id)
    return claim


async def test_a_worker_that_died_before_it_began_costs_nothing(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tokens=5 tag=early]]")
    await claimed_by_another(shop, stream_id)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names[0]) == ("completed", "message_start")
    assert (await shop.calls("early"))["calls"] == 1


async def test_a_take_over_before_content_tells_of_a_retry(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tokens=5]]")
    claim = await claimed_by_another(shop, stream_id)
    await shop.log.begin(claim)
    await shop.log.append(claim, 0, b"", {"attempt": "1"})
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert stream.data("relay.retry") == [{"attempt": 2, "reason": "worker_lost", "retry_in_ms": 0}]
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"2")


@pytest.mark.parametrize(("on_interrupt", "outcome"), [("restart", "completed"), ("fail", "failed")])
async def test_a_take_over_after_content(shop: Workshop, on_interrupt: str, outcome: str) -> None:
    async with shop.worker("first", lease_seconds=0.5):
        prompt = "[[sim: tokens=200 rate=400 first=0 stall-after=20 times=1]]"
        stream_id = await shop.submit(prompt, on_interrupt=on_interrupt)
        await shop.until(stream_id, has_text)
    partial = await shop.look(stream_id)
    async with shop.worker("second", lease_seconds=0.5):
        stream = await shop.ended(stream_id)
    assert stream.outcome == outcome
    assert stream.frames[: len(partial.frames)] == partial.frames
    if on_interrupt == "restart":
        assert stream.data("relay.reset") == [{"attempt": 2, "reason": "worker_lost"}]
    else:
        assert "relay.reset" not in stream.names
        assert stream.meta["partial"] == b"1"
        assert "failure" not in stream.meta
    assert stream.json("message")["content"][0]["text"] == stream.text


async def test_workers_that_stand_still_take_no_attempt_from_their_streams(shop: Workshop) -> None:
    """Only so often: it may be the stream that makes them."""
    stream_id = await shop.submit("[[sim: tokens=400 rate=100 first=0 tag=innocent]]")
    async with AsyncExitStack() as stack:
        for number in range(4):
            parts = await stack.enter_async_context(shop.worker(f"still{number}", lease_seconds=600, max_attempts=2))
            if number == 0:
                parts.pool.wake()
            await shop.until(
                stream_id, lambda stream, n=number: stream.names.count("relay.reset") == n and has_text(stream)
            )
            parts.pool.stop_taking()
            if number < 2:
                await shop.redis.zadd(keys.LEASES, {stream_id: 1})
            else:
                break
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"], stream.meta["free"]) == ("completed", b"3", b"2")


async def test_a_job_that_kills_its_worker_every_time_ends_failed(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tag=killer]]")
    for number in range(3):
        (claim,) = await shop.queue.claim(f"dead{number}", 1, slots=1, lease_ms=1, stream_id="")
        assert claim.times == number + 1
        await asyncio.sleep(0.005)
    async with shop.worker(max_attempts=3):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names) == ("failed", ["relay.end"])
    assert len(await shop.outbox(stream_id)) == 1
    assert (await shop.calls("killer"))["calls"] == 0


async def test_calls_are_counted_over_all_workers(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: status=529 tag=counted]]")
    claim = await claimed_by_another(shop, stream_id)
    await shop.log.begin(claim)
    await shop.log.append(claim, 0, b"", {"attempt": "2"})
    async with shop.worker(max_attempts=3, retry_wait_max=0.01):
        stream = await shop.ended(stream_id)
    assert (await shop.calls("counted"))["calls"] == 1
    assert (stream.outcome, stream.meta["attempts"]) == ("failed", b"3")


async def test_a_holder_that_died_between_the_ending_and_done_leaves_only_done(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tag=done]]")
    claim = await claimed_by_another(shop, stream_id)
    await shop.log.begin(claim)
    end, _ = frames.encode_json("relay.end", {"outcome": "completed"}, frames.origin(stream_id))
    await shop.log.append(claim, 0, end, {"outcome": "completed", "attempts": "1"}, ending_life_ms=LONG_MS)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert stream.names == ["relay.end"]
    (entry,) = await shop.outbox(stream_id)
    assert (entry["outcome"], entry["ended_at"]) == ("completed", stream.meta["ended_at"].decode())
    assert (await shop.calls("done"))["calls"] == 0


async def test_a_stream_that_redis_lost_leaves_no_job_behind(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tag=gone]]")
    await shop.redis.delete(keys.meta(stream_id))
    async with shop.worker():
        await shop.eventually(lambda: _is_out(shop, stream_id))
    assert await shop.outbox(stream_id) == []
    assert (await shop.calls("gone"))["calls"] == 0


async def test_a_stream_that_redis_loses_while_it_runs_is_stopped(shop: Workshop) -> None:
    async with shop.worker() as parts:
        stream_id = await shop.submit("[[sim: tokens=4000 rate=50 tag=loses]]")
        await shop.until(stream_id, has_text)
        await shop.redis.delete(keys.meta(stream_id), keys.log(stream_id))
        await shop.eventually(lambda: closed(shop, "loses"))
        await shop.eventually(lambda: _is_out(shop, stream_id))
        assert await shop.outbox(stream_id) == []
        assert not await shop.redis.exists(keys.log(stream_id))
        await shop.eventually(lambda: empty(parts))


async def _is_out(shop: Workshop, stream_id: str) -> bool:
    return not await shop.redis.hexists(keys.CLAIMS, stream_id) and not await is_free(shop, stream_id)
