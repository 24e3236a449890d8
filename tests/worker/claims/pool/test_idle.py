"""What a worker takes, and how little it asks where there is nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.stream import keys
from tests.worker.workshop import Workshop
from worker.claims import pool


async def test_an_idle_worker_asks_redis_for_little(shop: Workshop) -> None:
    """Those inside scripts included: some nine a second, of which five say that it is there; who asked without a pause
    would have hundreds. The time is the test: nothing else passes.
    """
    async with shop.worker(lease_seconds=10):
        await shop.eventually(lambda: shop.redis.zcard(keys.WORKERS))
        await asyncio.sleep(1)  # its beginning is over
        before, since = await _commands(shop), time.monotonic()
        await asyncio.sleep(6)
        after, seconds = await _commands(shop), time.monotonic() - since
    assert 0 < (after - before - 1) / seconds < 20


async def test_a_submit_wakes_an_idle_worker(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was not woken would look again in an hour. One that looks at that moment finds it without being woken."""
    monkeypatch.setattr(pool, "POLL_SECONDS", 3600.0)
    async with shop.worker():
        for _ in range(5):
            assert (await shop.run("[[sim: tokens=1]]")).outcome == "completed"


async def test_who_was_woken_for_nothing_rests_before_it_asks_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of hundreds that are woken for each stream all but one ask in vain; and none of them stays away."""
    rests = []

    def rest(workers: int, _: float) -> float:
        rests.append(workers)
        return 0.0

    monkeypatch.setattr(pool, "rest_seconds", rest)
    async with shop.worker() as parts:
        await shop.run("[[sim: tokens=1]]")
        rests.clear()  # it may have looked by itself a moment before it was woken
        await shop.redis.publish(keys.WAKE, "1")
        await shop.eventually(lambda: _done(bool(rests)))
        assert set(rests) == {1}
        assert parts.pool.slots
        await shop.run("[[sim: tokens=1]]")


async def _done(what: bool) -> bool:  # noqa: FBT001 - as it is asked for
    return what


async def _commands(shop: Workshop) -> int:
    return int((await shop.redis.info("stats"))["total_commands_processed"])


async def test_a_worker_whose_streams_take_all_they_may_takes_no_new_ones(shop: Workshop) -> None:
    async with shop.worker(worker_bytes=20_000) as parts:
        first = await shop.submit("[[sim: tokens=600 rate=600]]")
        await shop.until(first, lambda stream: sum(len(frame.raw) for frame in stream.frames) > 25_000)
        assert parts.pool.full
        assert parts.pool.bytes_in_flight >= 20_000
        second = await shop.submit("[[sim: tokens=3]]")
        ended = await shop.ended(first)
        started = int((await shop.ended(second)).meta["started_at"])
        assert started >= int(ended.meta["ended_at"])
        assert (parts.pool.bytes_in_flight, parts.pool.full) == (0, False)
