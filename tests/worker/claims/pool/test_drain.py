"""A worker that leaves hands its streams over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.stream.log import Claim
from tests.patience import PATIENCE
from tests.worker.claims.pool.watching import has_text, is_free
from tests.worker.workshop import Workshop
from worker.life.record import Record
from worker.process import Parts


async def drained(parts: Any) -> None:
    parts.pool.stop_taking()
    parts.pool.hand_over()
    await parts.pool.empty()


async def test_a_draining_worker_hands_over_at_once_and_the_call_does_not_count(shop: Workshop) -> None:
    async with shop.worker("old", max_attempts=1) as parts:
        stream_id = await shop.submit("[[sim: tokens=200 rate=400 first=0 stall-after=20 times=1 tag=drained]]")
        await shop.until(stream_id, has_text)
        await drained(parts)
        assert await is_free(shop, stream_id)
        stream = await shop.look(stream_id)
        assert (stream.meta["free"], stream.meta["state"]) == (b"1", b"running")
    async with shop.worker("new", max_attempts=1):
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert stream.data("relay.reset") == [{"attempt": 2, "reason": "worker_drained"}]
    assert stream.meta["attempts"] == b"2"


async def test_a_stream_that_may_not_be_restarted_ends_with_its_worker(shop: Workshop) -> None:
    async with shop.worker() as parts:
        stream_id = await shop.submit("[[sim: tokens=4000 rate=100 first=0]]", on_interrupt="fail")
        await shop.until(stream_id, has_text)
        await drained(parts)
    stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names[-1]) == ("failed", "relay.end")


async def test_a_stream_that_waits_for_its_next_attempt_is_handed_over_as_it_is(shop: Workshop) -> None:
    async with shop.worker("old", max_attempts=2) as parts:
        began = asyncio.get_running_loop().time()
        stream_id = await shop.submit("[[sim: status=529 retry-after=2 times=1]] [[sim: tokens=5]]")
        await shop.until(stream_id, lambda stream: "relay.retry" in stream.names)
        await drained(parts)
        assert (await shop.look(stream_id)).meta.get("free", b"0") == b"0"
    async with shop.worker("new", max_attempts=2):
        stream = await shop.ended(stream_id)
    assert stream.meta["attempts"] == b"2"
    # What the upstream asked for holds whoever calls it next.
    assert asyncio.get_running_loop().time() - began >= 2
    first, second = stream.data("relay.retry")
    assert second["reason"] == "worker_drained"
    assert second["retry_in_ms"] < first["retry_in_ms"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_claim_on_its_way_is_handed_over_with_the_others(
    shop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    at_once: bool,  # noqa: FBT001
) -> None:
    """The second SIGTERM, or a drain of no time, comes while Redis answers: nothing is called and then left."""
    async with shop.worker(lease_seconds=600) as parts:
        claim, asked, answered = parts.services.queue.claim, asyncio.Event(), asyncio.Event()

        async def slowly(*args: Any, **options: Any) -> list[Claim]:
            claims = await claim(*args, **options)
            if claims:
                asked.set()
                await answered.wait()
            return claims

        monkeypatch.setattr(parts.services.queue, "claim", slowly)
        stream_id = await shop.submit("[[sim: tokens=5 tag=on-its-way]]")
        await asked.wait()
        parts.pool.stop_taking()
        parts.pool.hand_over()
        leaving = asyncio.create_task(parts.pool.empty())
        if not at_once:
            await asyncio.sleep(0.05)
            assert not leaving.done()
        answered.set()
        await leaving
        assert await is_free(shop, stream_id)
    assert (await shop.calls("on-its-way"))["calls"] == 0


async def test_a_call_that_was_counted_when_the_drain_came_is_no_attempt(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop.worker("old", max_attempts=1) as parts:
        count = Record.count

        async def counted(record: Record) -> None:
            await count(record)
            parts.pool.stop_taking()
            parts.pool.hand_over()
            await asyncio.sleep(0)

        monkeypatch.setattr(Record, "count", counted)
        stream_id = await shop.submit("[[sim: tokens=5 tag=counted]]")
        await shop.eventually(lambda: is_free(shop, stream_id))
        await parts.pool.empty()
        monkeypatch.undo()
    async with shop.worker("new", max_attempts=1):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
    assert (await shop.calls("counted"))["calls"] == 1


async def test_a_draining_worker_takes_nothing_new(shop: Workshop) -> None:
    async with shop.worker() as parts:
        parts.pool.stop_taking()
        stream_id = await shop.submit("[[sim: tag=new]]")
        await asyncio.sleep(0.05)
        assert await is_free(shop, stream_id)


async def test_what_its_server_kept_from_being_begun_is_given_back_uncounted(shop: Workshop) -> None:
    """The streams' server is away, and the queue's is not: each worker that left would count as one that it killed."""
    async with shop.worker(streams_redis_url="redis://127.0.0.1:1/0") as parts:
        stream_id = await shop.submit("[[sim: tokens=3]]")
        await shop.eventually(lambda: _holds(parts, stream_id))
        parts.pool.stop_taking()
        parts.pool.hand_over()
        async with asyncio.timeout(PATIENCE):
            await parts.pool.empty()
        [claim] = await shop.queue.claim("another", 1, slots=1, lease_ms=60_000)
    assert (claim.stream_id, claim.times) == (stream_id, 1)


async def _holds(parts: Parts, stream_id: str) -> bool:
    return stream_id in parts.pool.leases
