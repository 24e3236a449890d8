"""A process that leaves its numbers: each second, through an outage, and as it goes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.stream.board.board import Board
from app.stream.observing import RedisRefused, listen
from app.stream.redis import known
from app.watch import report as module
from app.watch.report import Report
from app.watch.tallies import Tallies
from tests.app.served import until
from tests.harness.heard import Heard


class _Board(Board):
    """One whose Redis answers as it is told."""

    raises: Exception | None = None
    clock: float | None = None
    asked = 0

    async def leave(self, *args: Any, **more: Any) -> float:
        self.asked += 1
        if self.raises is not None:
            raise self.raises
        clock = await super().leave(*args, **more)
        return clock if self.clock is None else self.clock


@pytest.fixture
def board(redis: Redis) -> _Board:
    return _Board(redis)


@pytest.fixture
async def report(board: _Board, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    return Report("one", "worker", Tallies("one"), board, lambda: {"capacity": 5})


async def test_it_says_what_it_is_and_how_it_stands(report: Report, board: _Board) -> None:
    await report.leave()
    look = await board.look()
    [left] = look.processes
    assert left.name == "one"
    assert left.numbers.items() >= {"kind": "worker", "version": report.version, "capacity": 5}.items()
    assert left.numbers["up"] >= 0
    assert [one["kind"] for one in look.seen] == ["joined"]


async def test_it_goes_on_through_an_outage_and_tells_of_it_no_second_time(report: Report, board: _Board) -> None:
    heard = Heard()
    before = listen(heard)
    keeping = asyncio.create_task(report.keep())
    try:
        await until(lambda: board.asked > 2)
        assert report.steady_seconds >= 0
        board.raises = RedisConnectionError()
        asked = board.asked
        await until(lambda: board.asked > asked + 3)
        board.raises = ResponseError("a script that is none")
        await until(lambda: any(isinstance(event, RedisRefused) for event in heard.events))
        board.raises = None
        asked = board.asked
        await until(lambda: board.asked > asked + 1)
    finally:
        keeping.cancel()
        listen(before)
    assert {event.asker for event in heard.events if isinstance(event, RedisRefused)} == {"report"}


class _Time:
    """The loop's, at which a process leaves its numbers, and how far Redis' clock is ahead of it."""

    def __init__(self, report: Report, board: _Board) -> None:
        self.now, self.ahead = 100.0, 1e9
        self._report, self._board = report, board

    async def leave(self, at: float) -> float:
        """Returns for how long all was steady then."""
        self.now, self._board.clock = at, at + self.ahead
        await self._report.leave()
        return self._report.steady_seconds


@pytest.fixture
async def time(report: Report, board: _Board, monkeypatch: pytest.MonkeyPatch) -> _Time:
    found = _Time(report, board)
    monkeypatch.setattr(type(asyncio.get_running_loop()), "time", lambda _: found.now, raising=False)
    return found


async def test_a_gap_begins_the_time_anew(report: Report, time: _Time) -> None:
    assert report.steady_seconds == 0
    assert [await time.leave(at) for at in (101.0, 102.0, 103.0)] == [0.0, 1.0, 2.0]
    time.now = 105.0
    assert report.steady_seconds == 0  # for so long nobody has been heard, itself included
    assert [await time.leave(at) for at in (105.0, 106.0)] == [0.0, 1.0]


@pytest.mark.parametrize("step", [-300.0, -1.0, 1.0, 300.0])
async def test_a_step_of_the_clock_is_a_gap(report: Report, time: _Time, step: float) -> None:
    """All ages are told in it: everybody would be silent at once, or who is dead alive again."""
    assert [await time.leave(at) for at in (101.0, 102.0)] == [0.0, 1.0]
    assert report.goes_on(102.3 + time.ahead, 102.0)  # as far as one can know
    time.ahead += step
    time.now = 102.5
    assert not report.goes_on(102.5 + time.ahead, 102.4)
    assert [await time.leave(at) for at in (103.0, 104.0)] == [0.0, 1.0]
    assert report.goes_on(104.0 + time.ahead, 104.0)


async def test_a_redis_that_was_away_for_less_than_a_beat_is_a_gap(report: Report, time: _Time) -> None:
    """A connection of this process found nobody: until they are all back nobody is heard, and nobody is dead."""
    assert [await time.leave(at) for at in (101.0, 102.0)] == [0.0, 1.0]
    known.server().losses += 1
    assert report.steady_seconds == 0
    assert [await time.leave(at) for at in (103.0, 104.0)] == [0.0, 1.0]


async def test_who_leaves_says_so(report: Report, board: _Board) -> None:
    await report.end()
    look = await board.look()
    assert look.processes[0].numbers["left"] is True
    assert [one["kind"] for one in look.seen] == ["left", "joined"]
    board.raises = RedisConnectionError()
    await report.end()  # whatever becomes of it
