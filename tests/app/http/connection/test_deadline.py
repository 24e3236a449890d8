"""A time that is set anew comes when the last one is over, once, with one timer at the most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from app.http.connection.deadline import Deadline


class Timer:
    def __init__(self, loop: Loop, due: float, what: Callable[[], None]) -> None:
        self._loop, self._due, self.what = loop, due, what

    def when(self) -> float:
        return self._due

    def cancel(self) -> None:
        self._loop.timers.remove(self)


class Loop:
    """A loop whose clock goes on when it is told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, due: float, what: Callable[[], None]) -> Any:
        self.timers.append(Timer(self, due, what))
        return self.timers[-1]

    def passes(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer.when() <= until]:
            first = min(due, key=Timer.when)
            self.timers.remove(first)
            self.now = max(self.now, first.when())
            first.what()
        self.now = until


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(1, 9)), max_size=12))
def test_it_comes_when_the_last_time_is_over_and_not_before(steps: list[tuple[int, int | None]]) -> None:
    loop, came = Loop(), list[float]()
    deadline = Deadline(cast("asyncio.AbstractEventLoop", loop), lambda: came.append(loop.now))
    due: float | None = None
    expected: list[float] = []
    for passing, seconds in steps:
        if due is not None and due <= loop.now + passing:
            expected.append(due)
            due = None
        loop.passes(passing)
        deadline.set(seconds)
        due = None if seconds is None else loop.now + seconds
        assert len(loop.timers) <= 1
    loop.passes(100)
    assert came == expected + ([] if due is None else [due])


def test_one_that_is_cancelled_never_comes_and_leaves_no_timer() -> None:
    loop, came = Loop(), list[float]()
    deadline = Deadline(cast("asyncio.AbstractEventLoop", loop), lambda: came.append(loop.now))
    deadline.set(3)
    deadline.cancel()
    assert loop.timers == []
    loop.passes(10)
    assert came == []
