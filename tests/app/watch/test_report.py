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
from app.watch import report as module
from app.watch.report import Report
from app.watch.tallies import Tallies
from tests.app.served import until
from tests.harness.heard import Heard


class _Board(Board):
    """One whose Redis answers as it is told."""

    raises: Exception | None = None
    asked = 0

    async def leave(self, *args: Any, **more: Any) -> None:
        self.asked += 1
        if self.raises is not None:
            raise self.raises
        await super().leave(*args, **more)


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


async def test_a_gap_begins_the_time_anew(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(type(asyncio.get_running_loop()), "time", lambda _: now, raising=False)
    assert report.steady_seconds == 0
    for now in (101.0, 102.0, 103.0):  # noqa: B007  # it is the clock
        await report.leave()
    assert report.steady_seconds == 2.0
    now = 105.0
    assert report.steady_seconds == 0  # for so long nobody has been heard, itself included
    await report.leave()
    assert report.steady_seconds == 0
    now = 106.0
    await report.leave()
    assert report.steady_seconds == 1.0


async def test_who_leaves_says_so(report: Report, board: _Board) -> None:
    await report.end()
    look = await board.look()
    assert look.processes[0].numbers["left"] is True
    assert [one["kind"] for one in look.seen] == ["left", "joined"]
    board.raises = RedisConnectionError()
    await report.end()  # whatever becomes of it
