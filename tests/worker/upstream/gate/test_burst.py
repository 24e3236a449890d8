"""A burst against an upstream that refuses: all who wait, wait together."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.dev.simulator.rules.buckets import Rates
from app.stream import keys
from tests.patience import PATIENCE
from tests.worker.workshop import Workshop, workshop
from worker.upstream.gate import UNASKED


@pytest.mark.parametrize("told", [False, True])
async def test_a_burst_beyond_the_limit_is_answered_whole(redis: Redis, valkey: EmbeddedValkey, told: bool) -> None:  # noqa: FBT001
    rates = Rates(calls=10, refusal_delay=0.3, told=told)
    async with workshop(redis, valkey.url, rates=rates) as shop, AsyncExitStack() as workers:
        for number in range(2):
            await workers.enter_async_context(shop.worker(f"w{number}"))
        ids = [await shop.submit(f"{n} [[sim: tokens=3 tag=burst-{told}]]") for n in range(60)]
        streams = [await shop.ended(stream_id) for stream_id in ids]
        assert {(stream.outcome, stream.meta["attempts"]) for stream in streams} == {("completed", b"1")}
        # How few and how soon is the law's to show (test_gate_law.py): here the machine has a word in it.
        assert (await shop.calls(f"burst-{told}"))["calls"] < 2 * 60
        for stream in streams:
            assert all(retry["attempt"] == 1 for retry in stream.data("relay.retry"))


async def test_who_comes_alone_asks_nobody(shop: Workshop) -> None:
    async with shop.worker():
        for _ in range(UNASKED):
            await shop.run("[[sim: tokens=3]]")
    assert not await shop.redis.exists(keys.gate("claude-sonnet-5"), keys.HELD)


async def test_who_waits_in_the_line_alone_is_called_when_it_is_its_turn(shop: Workshop) -> None:
    """Nobody else asks there: whoever looked last did so before it had joined."""
    async with shop.worker(), asyncio.timeout(PATIENCE):
        for n in range(2):
            stream = await shop.run(f"[[sim: status=429 retry-after-ms=50 times=1]] [[sim: tokens=3]] {n}")
            assert stream.outcome == "completed"


async def test_after_a_429_all_workers_wait_together(shop: Workshop) -> None:
    async with shop.worker("one"), shop.worker("two"):
        first = await shop.submit("[[sim: status=429 retry-after-ms=1500 times=1 tag=first]] [[sim: tokens=3]]")
        await shop.until(first, lambda stream: "relay.retry" in stream.names)
        began = asyncio.get_running_loop().time()
        ids = [await shop.submit(f"{n} [[sim: tokens=3 tag=held]]") for n in range(6)]
        assert (await shop.calls("held"))["calls"] == 0
        streams = [await shop.ended(stream_id) for stream_id in ids]
        assert asyncio.get_running_loop().time() - began > 1
        (retry,) = (await shop.ended(first)).data("relay.retry")
    assert (retry["attempt"], retry["reason"]) == (1, "rate_limit_error")
    for stream in streams:  # waiting alone is not in the log
        assert (stream.outcome, stream.meta["attempts"], "relay.retry" in stream.names) == ("completed", b"1", False)
    assert (await shop.calls("held"))["calls"] == 6
    assert (await shop.calls("first"))["calls"] == 2


async def test_refusals_do_not_use_up_the_attempts(shop: Workshop) -> None:
    async with shop.worker(max_attempts=1):
        stream = await shop.run("[[sim: status=429 retry-after-ms=20 times=5]] [[sim: tokens=3]]")
    assert (stream.outcome, stream.meta["attempts"], stream.meta["attempt"]) == ("completed", b"1", b"1")
    assert [retry["attempt"] for retry in stream.data("relay.retry")] == [1] * 5


async def test_a_wait_beyond_the_limit_fails_at_once_and_holds_nobody(shop: Workshop) -> None:
    async with shop.worker(retry_wait_max=5):
        stream = await shop.run("[[sim: status=429 retry-after=6]]")
        assert (stream.outcome, stream.json("failure")["retry_after"]) == ("failed", 6.0)
        assert (await shop.run("[[sim: tokens=3]]")).outcome == "completed"


async def test_a_limit_that_an_answer_says_is_used_up_holds_the_next_ones(shop: Workshop) -> None:
    async with shop.worker():
        await shop.run("[[sim: tokens=3 remaining=0 reset=3]]")
        await shop.eventually(lambda: shop.redis.exists(keys.HELD))
        began = asyncio.get_running_loop().time()
        stream = await shop.run("[[sim: tokens=3]]")
        assert asyncio.get_running_loop().time() - began > 1
    assert (stream.outcome, stream.names[0]) == ("completed", "message_start")
