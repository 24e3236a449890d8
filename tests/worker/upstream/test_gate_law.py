"""The gate's law against a model of an upstream: a token bucket that refuses, at once or late."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from lupa.lua51 import LuaRuntime  # as Redis has it

from app.stream.scripts import source
from worker.upstream.gate import UNASKED

_LAW = (
    source("gate/rate", "gate/law")
    + "local gate = {} "
    + "return function(now, told) local may, wait = gate_law(gate, now, told) return may, wait, gate end"
)
BEGAN_MS = 1_700_000_000_000


@dataclass
class Play:
    """`calls` that all want to go at once, and an upstream that takes `rate` of them a second; all times in seconds.

    `refusal`, `answer`: how long its no and its yes take; `asks`: what its no asks to wait; `told`: whether it has
    headers; `changes`: its rate from then on.
    """

    rate: float
    calls: int
    refusal: float = 0.3
    answer: float = 0.02
    asks: float = 1.0
    told: bool = False
    workers: int = 2
    burst: float = 1.0
    changes: Sequence[tuple[float, float]] = ()
    refused: int = 0
    ended: float = 0.0
    _events: list[Any] = field(default_factory=list, repr=False)

    def __str__(self) -> str:
        return f"{self.rate}/s-{self.calls}-{self.refusal}-{self.answer}-{self.asks}-{self.told}-{self.workers}"

    def play(self) -> Play:  # noqa: C901  # one loop of events, a case for each
        runtime = LuaRuntime()
        law, table = runtime.execute(_LAW), runtime.table_from
        numbers = itertools.count()
        rate, size, level, filled, era = self.rate, max(self.rate * self.burst, 1.0), self.rate * self.burst, 0.0, 0
        waiting, taken, now = self.calls, 0, 0.0
        planned = 0.0
        open_ = min(UNASKED * self.workers, self.calls)

        def plan(at: float, what: str, *more: float) -> None:
            heapq.heappush(self._events, (at, next(numbers), what, more))

        def ask(told: dict[str, Any]) -> None:
            nonlocal waiting, era, planned, open_
            told = {
                "taken": 0,
                "refused_ms": -1,
                "era": 0,
                "waiting": waiting,
                "limits": table([]),
                "open": open_,
                **told,
            }
            may, wait, gate = law(BEGAN_MS + int(now * 1000), table(told))
            era = gate["era"]
            waiting -= may
            open_ += may
            for _ in range(may):
                plan(now, "arrives", era)
            if waiting and (planned <= now or now + wait / 1000 < planned):
                planned = now + max(wait / 1000, 0.005)
                plan(planned, "asks")

        for at, changed in self.changes:
            plan(at, "changes", changed)
        for _ in range(min(UNASKED * self.workers, waiting)):
            waiting -= 1
            plan(0.0, "arrives", 0)
        plan(0.001, "asks")
        while taken < self.calls:
            now, _, what, more = heapq.heappop(self._events)
            level, filled = min(level + (now - filled) * rate, size), now
            match what:
                case "changes":
                    (rate,) = more
                    size = max(rate * self.burst, 1.0)
                case "arrives" if level >= 1:
                    level -= 1
                    plan(now + self.answer, "taken", int(level))
                case "arrives":
                    plan(now + self.refusal, "refused", *more)
                case "taken":
                    taken += 1
                    open_ -= 1
                    limits = [table(["requests", int(size), more[0], math.ceil((size - more[0]) / rate) * 1000])]
                    ask({"taken": 1} | ({"limits": table(limits)} if self.told else {}))
                case "refused":
                    self.refused += 1
                    waiting += 1
                    open_ -= 1
                    ask({"refused_ms": int(self.asks * 1000), "era": more[0]})
                case "asks":
                    ask({})
        self.ended = now
        return self


BURSTS = [
    Play(rate, calls, *slow, asks, told, workers)
    for rate, calls in ((5, 100), (2, 60), (10, 300))
    for slow in ((0.3, 0.02), (0.3, 0.3), (0.0, 0.02))
    for asks in (1.0, 0.0)
    for told in (False, True)
    for workers in (2, 4)
]


# What an upstream's bucket holds is not told either: one call, or what flows in within some seconds.
BUCKETS = [
    Play(rate, calls, 0.3, 0.02, asks, workers=workers, burst=burst)
    for rate, calls in ((5, 100), (2, 60), (10, 300))
    for asks in (1.0, 0.0)
    for workers in (2, 3)
    for burst in (0.2, 0.5, 2.0)
]


@pytest.mark.parametrize("burst", BUCKETS, ids=lambda burst: f"{burst}-{burst.burst}")
def test_a_bucket_of_any_size_is_found_out(burst: Play) -> None:
    played = burst.play()
    assert played.refused < 50
    assert played.ended < 1.38 * burst.calls / burst.rate


def test_a_refusal_that_holds_for_long_is_not_soon_asked_for_again() -> None:
    assert Play(5, 100, asks=3.0).play().ended < 1.4 * 20
    assert Play(5, 100, asks=3.0, burst=0.2).play().ended < 1.75 * 20


def test_who_stood_still_lets_no_flood_go() -> None:
    """No answer is no word of a limit: also where answers are read late, and all of them at once."""
    assert Play(5, 100, refusal=2.0, answer=2.0).play().refused < 50


@pytest.mark.parametrize("burst", BURSTS, ids=str)
def test_a_burst_goes_through_at_nearly_the_upstream_s_own_pace(burst: Play) -> None:
    played = burst.play()
    assert played.refused < 50
    assert played.ended < 1.25 * burst.calls / burst.rate


def test_an_upstream_that_never_refuses_is_not_slowed_down() -> None:
    assert Play(1e6, 100, answer=0.005).play().ended < 0.1
    assert Play(1e6, 100, answer=0.3).play().ended < 1.3
    assert Play(1e6, 100, answer=10.0).play().ended < 13.5


@pytest.mark.parametrize(("to", "ideal"), [(5 / 3, 10 + 150 * 3 / 5), (15.0, 10 + 150 / 15)])
def test_a_limit_that_changes_is_found_out_again(to: float, ideal: float) -> None:
    played = Play(5, 200, changes=[(10.0, to)]).play()
    assert played.refused < 50
    assert played.ended < 1.3 * ideal


def test_a_limit_that_is_told_is_hardly_ever_met() -> None:
    assert Play(5, 100, told=True, workers=1).play().refused < 10


@pytest.mark.parametrize("before", ["refused", "left", "used up"])
@pytest.mark.parametrize("step", [-300_000, 300_000])
def test_a_clock_that_is_set_makes_nobody_wait_for_longer(before: str, step: int) -> None:
    runtime = LuaRuntime()
    law, table = runtime.execute(_LAW), runtime.table_from
    nothing = {"open": 0, "taken": 0, "refused_ms": -1, "era": 0, "waiting": 0, "limits": table([])}
    told = {
        "refused": {"refused_ms": 2000, "era": 1},
        "left": {"taken": 1, "limits": table([table(["requests", 50, 20, 30_000])])},
        "used up": {"taken": 1, "limits": table([table(["requests", 50, 0, 2000])])},
    }[before]
    law(BEGAN_MS, table({**nothing, "waiting": 4}))
    law(BEGAN_MS + 10, table({**nothing, **told}))
    now, may = BEGAN_MS + 20 + step, 0
    waited = 0.0
    while not may:
        may, wait, _ = law(now, table({**nothing, "waiting": 1}))
        waited, now = waited + (0 if may else wait), now + wait
    assert waited <= 5000
