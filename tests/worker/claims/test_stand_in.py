"""A worker whose own loop stands still keeps its streams, for a while."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.redis.connect import connect
from tests.worker.workshop import Workshop
from worker.claims.stand_in import StandIn

LEASE_SECONDS = 0.5


class Thief(threading.Thread):
    """Another worker, in a thread of its own: it wants whatever it can get."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.ended = threading.Event()
        self.taken_after: float | None = None

    def run(self) -> None:
        asyncio.run(self._steal())

    async def _steal(self) -> None:
        redis, began, number = connect(self._url, "thief"), time.monotonic(), 0
        while not self.ended.is_set() and self.taken_after is None:
            number += 1
            if await Queue(redis).claim("thief", number, slots=1, lease_ms=int(LEASE_SECONDS * 1000)):
                self.taken_after = time.monotonic() - began
            await asyncio.sleep(0.05)
        await redis.aclose()


async def stands_still(shop: Workshop, valkey: EmbeddedValkey, seconds: float) -> float | None:
    """When its stream was taken from a worker whose loop stands still for so long; None if it was not."""
    async with shop.worker(lease_seconds=LEASE_SECONDS):
        stream_id = await shop.submit("[[sim: tokens=40 rate=100 first=0 tag=still]]")
        await shop.until(stream_id, lambda stream: len(stream.frames) > 3)
        thief = Thief(valkey.url)
        thief.start()
        time.sleep(seconds)  # noqa: ASYNC251  # that is it
        thief.ended.set()
        await asyncio.to_thread(thief.join)
        if thief.taken_after is None:
            stream = await shop.ended(stream_id)
            assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
    return thief.taken_after


async def test_a_loop_that_stands_still_for_more_than_a_lease_loses_no_stream(
    shop: Workshop, valkey: EmbeddedValkey
) -> None:
    assert await stands_still(shop, valkey, 2.5 * LEASE_SECONDS) is None


async def test_one_that_stands_still_for_good_does(shop: Workshop, valkey: EmbeddedValkey) -> None:
    taken_after = await stands_still(shop, valkey, 12 * LEASE_SECONDS)
    assert taken_after is not None
    assert taken_after > 2.5 * LEASE_SECONDS


class Still:
    """Renewals of a loop that has not renewed for a while."""

    claims = (Claim("st_1", 1, "w/1"),)

    def __init__(self) -> None:
        self.beat_at = time.monotonic() - LEASE_SECONDS


async def test_a_stand_in_that_fails_tries_again_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    tried = threading.Semaphore(0)

    def odd() -> Redis:
        tried.release()
        raise ZeroDivisionError("a secret")

    with StandIn("w", Still(), odd, LEASE_SECONDS):  # type: ignore[arg-type]
        for _ in range(2):
            assert await asyncio.to_thread(tried.acquire, timeout=5)
    assert "task.fell task=stand-in error=ZeroDivisionError place=" in caplog.text
    assert "secret" not in caplog.text
