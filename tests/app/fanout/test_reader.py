"""Readers that ask for the next step: every byte once, what is told beside the log, and nothing left behind."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from app.fanout import reader as readers
from app.fanout.catchup import Data
from app.fanout.drain import send_all_away
from app.fanout.hub import Hub
from app.fanout.reader import Aside, Leave, PatientReader, PullReader
from app.stream.asides import Queued
from app.stream.frames import origin, position_at_end
from tests.app.following import (
    LIFE_MS,
    OWNER,
    SOON,
    STREAM,
    Inside,
    Stream,
    asking,
    over,
)
from tests.app.served import until
from tests.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("quick_beat", "short_patience")


async def test_it_is_given_each_byte_once_and_the_end(front: Inside, stream: Stream) -> None:
    await stream.write("a", "b")
    async with asking(front) as (whole, first), asking(front, stream.places[1]) as (rest, second):
        await until(lambda: whole.data == stream.written)
        for n in range(20):
            await stream.write(f"live {n}")
        await until(lambda: whole.data == stream.written)
        await stream.end()
        await over(first)
        await over(second)
    assert whole.data == stream.written
    assert rest.data == stream.written[stream.places[1].offset :]
    assert whole.beside == rest.beside == []
    assert not front.hub.tails
    for step in whole.steps:
        assert isinstance(step, Data)
        assert step.position == position_at_end(step.data)


async def test_who_stands_at_the_end_of_an_ended_stream_is_given_nothing(front: Inside, stream: Stream) -> None:
    await stream.end()
    async with asking(front, stream.position) as (one, task):
        await over(task)
    assert one.steps == []


async def test_whoever_stops_asking_leaves_nothing(front: Inside, stream: Stream) -> None:
    async with asking(front) as (one, _):
        await stream.write("a")
        await until(lambda: one.data == stream.written)
        tail = front.hub.known(STREAM)
        assert tail is not None
        assert len(tail.watchers) == 1
    assert (front.hub.tails, front.channel.subscriptions) == ((), 0)
    assert tail.watchers == set()


async def test_who_takes_its_time_gets_what_came_meanwhile_in_one_step(front: Inside, stream: Stream) -> None:
    steps = PullReader(origin(STREAM)).steps(front.hub, STREAM)
    await stream.write("a")
    first = await anext(steps)
    await stream.write("b")
    await stream.write("c", "d")
    tail = front.hub.known(STREAM)
    assert tail is not None
    await until(lambda: tail.splice.end == stream.position)
    second = await anext(steps)
    assert isinstance(first, Data)
    assert isinstance(second, Data)
    assert first.data + second.data == stream.written
    await steps.aclose()


# --- beside the log


async def test_it_is_told_its_place_in_the_line(front: Inside) -> None:
    for stream_id in ("st_1", STREAM):
        await front.log.open(stream_id, {"owner": OWNER})
        await front.log.keep(stream_id, LIFE_MS)
        await front.queue.submit(stream_id, limit=10, life_ms=LIFE_MS)
    async with asking(front) as (one, _):
        await until(lambda: one.steps == [Aside(Queued(2))])
        await front.queue.claim("w", 1, slots=1, lease_ms=LIFE_MS)
        await until(lambda: one.steps == [Aside(Queued(2)), Aside(Queued(1))])


async def test_of_several_things_to_say_beside_it_is_told_the_newest(front: Inside, stream: Stream) -> None:
    reader = PullReader(origin(STREAM))
    steps = reader.steps(front.hub, STREAM)
    await stream.write("a")
    assert isinstance(await anext(steps), Data)
    for n in range(5):
        reader.aside(Queued(n))
    assert await anext(steps) == Aside(Queued(4))
    reader.leave(700)
    assert await anext(steps) == Leave(700)
    with pytest.raises(StopAsyncIteration):
        await anext(steps)
    assert not front.hub.tails


async def test_a_drain_sends_it_away_after_what_is_there(front: Inside, stream: Stream) -> None:
    async with asking(front) as (one, task):
        await stream.write("a")
        await until(lambda: front.hub.known(STREAM) and one.data == stream.written)
        await send_all_away(front.hub, 0)
        await over(task)
    assert one.data == stream.written
    [leave] = one.beside
    assert isinstance(leave, Leave)
    assert 100 <= leave.retry_ms < 1500


# --- whose client cannot come back by itself


class FakeHub:
    """As much of a hub as the reader asks."""

    def __init__(self) -> None:
        self.draining = False
        self.leave_by = 0.0


class Watched(PatientReader):
    """Notes when it is woken."""

    __slots__ = ("woken",)

    def __init__(self, hub: FakeHub, due: float) -> None:
        super().__init__(origin("st_1"), cast("Hub", hub), asyncio.get_running_loop().time() + due, "slow")
        self.woken = asyncio.Event()

    def aside(self, said: Any) -> None:
        super().aside(said)
        self.woken.set()


async def test_it_is_woken_when_something_is_due() -> None:
    reader = Watched(FakeHub(), SOON)
    async with asyncio.timeout(PATIENCE):
        await reader.woken.wait()
    assert asyncio.get_running_loop().time() >= reader.due
    reader.close()


async def test_what_became_due_later_wakes_it_later() -> None:
    reader = Watched(FakeHub(), SOON)
    reader.due += 2 * SOON
    async with asyncio.timeout(PATIENCE):
        await reader.woken.wait()
    assert asyncio.get_running_loop().time() >= reader.due
    reader.close()


async def test_what_became_due_sooner_wakes_it_sooner() -> None:
    reader = Watched(FakeHub(), 3600)
    reader.due -= 3600 - SOON
    async with asyncio.timeout(PATIENCE):
        await reader.woken.wait()
    reader.close()


async def test_who_is_busy_is_woken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "WAKE_AGAIN_SECONDS", SOON)
    reader = Watched(FakeHub(), 0)
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            reader.woken.clear()
            await reader.woken.wait()
    reader.close()


async def test_a_closed_one_is_left_alone() -> None:
    reader = Watched(FakeHub(), SOON)
    reader.close()
    await asyncio.sleep(3 * SOON)
    assert not reader.woken.is_set()


async def test_it_stays_until_the_last_moment_of_a_drain() -> None:
    hub = FakeHub()
    hub.leave_by = asyncio.get_running_loop().time() + SOON
    reader = Watched(hub, 3600)
    reader.leave(100)
    assert reader._left is None
    async with asyncio.timeout(PATIENCE):
        await reader._wake.wait()
    assert asyncio.get_running_loop().time() >= hub.leave_by
    assert reader._left is not None
    reader.close()


async def test_one_that_comes_during_the_drain_is_told_as_well() -> None:
    hub = FakeHub()
    hub.draining = True
    reader = Watched(hub, 3600)
    async with asyncio.timeout(PATIENCE):
        await reader._wake.wait()
    assert reader._left is not None
    assert not reader.gone
    reader.close()


async def test_it_goes_at_once_when_its_client_has_gone() -> None:
    reader = Watched(FakeHub(), 3600)
    reader.go()
    assert reader.gone
    assert reader._left is not None
    reader.close()
