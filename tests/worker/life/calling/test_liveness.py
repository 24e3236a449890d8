"""Verdict is not death: how long an upstream may say nothing, or only ping, and what readers are told meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream import keys
from app.stream.asides import Thinking, decode
from tests.worker.workshop import Workshop
from worker.life.calling import liveness
from worker.life.calling.liveness import Timeouts, judge
from worker.life.interrupt import Why

# Sixtieths of the usual ones: a stall is a second, a silence five.
SETTINGS = {"stall_timeout": 0.5, "silent_timeout": 1.5}
TIMEOUTS = Timeouts(stall=60, silent=300, tell=5)


def test_nothing_at_all_is_over_after_the_shorter_time() -> None:
    assert judge(TIMEOUTS, now=59.9, heard=0, stirred=0, beat=0).over is None
    assert judge(TIMEOUTS, now=60, heard=0, stirred=0, beat=0).over is Why.STALLED


def test_pings_alone_are_over_after_the_longer_time() -> None:
    assert judge(TIMEOUTS, now=299.9, heard=0, stirred=290, beat=295).over is None
    assert judge(TIMEOUTS, now=300, heard=0, stirred=290, beat=295).over is Why.SILENT


def test_it_is_told_while_pings_come_and_not_where_nothing_comes() -> None:
    assert judge(TIMEOUTS, now=4.9, heard=0, stirred=1, beat=0).told is None
    assert judge(TIMEOUTS, now=5.1, heard=0, stirred=1, beat=0).told == 5.1
    assert judge(TIMEOUTS, now=5.1, heard=0, stirred=0, beat=0).told is None


@given(
    st.floats(0, 1e6),
    st.lists(st.tuples(st.floats(0.05, 20), st.booleans()), max_size=40),
    st.floats(1, 70),
    st.floats(1, 400),
)
def test_whatever_comes_the_call_ends_neither_early_nor_late(
    start: float, signs: list[tuple[float, bool]], stall: float, silent: float
) -> None:
    """Signs of life, each after some seconds, an event or only a ping; then nothing any more."""
    timeouts = Timeouts(stall, silent, 5)
    heard = stirred = look = start
    beat, told = 0.0, list[tuple[float, float]]()
    at, signs = start, list(signs)
    for _ in range(3000):
        while signs and at + signs[0][0] <= look:
            at += signs[0][0]
            stirred, heard = at, at if signs.pop(0)[1] else heard
        found = judge(timeouts, now=look, heard=heard, stirred=stirred, beat=beat)
        if found.over is not None:
            dies = min(stirred + stall, heard + silent)
            assert look >= dies
            assert look <= dies + 5 + 1e-6 * start  # what comes between two looks is noticed at the next
            return
        assert found.again > look
        if found.told is not None:
            told.append((heard, found.told))
            assert found.told >= 5 - 1e-6
        beat, look = found.beat, found.again
        of_this = [seconds for since, seconds in told if since == heard]
        assert all(later - earlier > 1e-9 for earlier, later in pairwise(of_this))
    raise AssertionError("it is never over")


@pytest.mark.parametrize(
    "asked",
    [
        "think=1",  # before any content
        "think=1 think-after=2",  # within a block
        "tool=write_file buffer-tool=1",  # the whole input of a tool held back: forty seconds of the real one
    ],
)
async def test_a_silence_of_pings_is_one_call(shop: Workshop, asked: str) -> None:
    async with shop.worker(**SETTINGS):
        stream = await shop.run(f"[[sim: {asked} ping=0.1 tokens=5 tag=one]]")
    assert stream.outcome == "completed"
    assert (await shop.calls("one"))["calls"] == 1
    assert not {"relay.retry", "relay.reset"} & set(stream.names)


async def test_a_silence_without_pings_is_a_failed_call(shop: Workshop) -> None:
    async with shop.worker(**SETTINGS):
        stream = await shop.run("[[sim: mute=1 times=1]] [[sim: tokens=5]]")
    assert stream.outcome == "completed"
    assert stream.data("relay.retry")[0]["reason"] == "stalled"


@given(st.floats(0, 1000), st.floats(0.1, 100), st.floats(liveness.LATE_SECONDS + 0.01, 100))
def test_what_came_while_nobody_listened_has_time_to_be_read(stirred: float, stall: float, late: float) -> None:
    due = stirred + stall
    unheard = liveness.unheard(now=due + late, due=due)
    for later in (0.0, 0.4):
        at = due + late + later
        found = judge(Timeouts(stall, stall), now=at, heard=stirred + unheard, stirred=stirred + unheard, beat=0)
        assert found.over is None


async def test_what_was_not_listened_to_was_no_silence(shop: Workshop) -> None:
    async with shop.worker(stall_timeout=2.0, silent_timeout=2.2):
        stream_id = await shop.submit("[[sim: mute=0.3 mute-after=2 tokens=5 tag=held]]")
        await shop.until(stream_id, lambda stream: len(stream.frames) >= 2)
        time.sleep(2.6)  # noqa: ASYNC251  # the process is stopped, or somebody holds its loop
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert (await shop.calls("held"))["calls"] == 1


async def test_pings_alone_for_too_long_fail_and_a_third_call_is_not_paid(shop: Workshop) -> None:
    async with shop.worker(stall_timeout=0.5, silent_timeout=0.6):
        stream = await shop.run("[[sim: pings-after=3 ping=0.1 tokens=9 tag=two]]")
    end = stream.data("relay.end")[0]
    assert (end["outcome"], end["attempts"], end["error"]["type"]) == ("failed", 2, "timeout_error")
    assert "SILENT_TIMEOUT" in end["error"]["message"]
    assert stream.data("relay.reset")[0]["reason"] == "silent"
    assert (await shop.calls("two"))["calls"] == 2
    assert stream.json("failure")["exhausted"] is True


@asynccontextmanager
async def asides(shop: Workshop, stream_id: str) -> AsyncIterator[list[object]]:
    """What is told of a stream, while inside."""
    found: list[object] = []
    async with shop.redis.pubsub() as pubsub:
        await pubsub.subscribe(keys.channel(stream_id))

        async def listen() -> None:
            async for message in pubsub.listen():
                data = message["data"] if message["type"] == "message" else b""
                found.extend([told] if (told := decode(data)) else [])

        task = asyncio.create_task(listen())
        try:
            yield found
        finally:
            task.cancel()


async def test_readers_are_told_that_it_thinks_as_long_as_it_does(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "Timeouts", partial(liveness.Timeouts, tell=0.2))
    stream_id = "st_thinks"
    async with asides(shop, stream_id) as found, shop.worker(**SETTINGS):
        prompt = b"[[sim: think=1 think-after=2 ping=0.05 tokens=5]]"
        await shop.log.open(
            stream_id,
            {
                "owner": "me",
                "request": b'{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"%b"}]}' % prompt,
                "model": "m",
            },
        )
        await shop.queue.submit(stream_id, limit=10, life_ms=60_000)
        await shop.ended(stream_id)
        told = list(found)
    silent = [each.silent_ms for each in told if isinstance(each, Thinking)]
    assert 1 <= len(silent) <= 5
    assert silent == sorted(silent)
    assert all(each >= 200 * number for number, each in enumerate(silent, 1))  # later on a busy machine, never sooner
