"""How a worker leaves, step by step: the first signal, the second one, and the end of its time; it ends in any case."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import cast

import pytest

from app.signals import SIGNALS
from tests.patience import PATIENCE
from worker import drain as drains
from worker.claims.pool import Pool
from worker.drain import Signals, drain

FOR_EVER = 3600.0


class Held:
    """A pool that notes what it is told, and is empty from the step on that `lets_go` names."""

    def __init__(self, lets_go: str) -> None:
        self.leases = {"st_1": None}
        self.told: list[str] = []
        self._lets_go = lets_go
        self._empty = asyncio.Event()

    def _hears(self, word: str) -> None:
        self.told.append(word)
        if word == self._lets_go:
            self._empty.set()

    def stop_taking(self) -> None:
        self._hears("stop taking")

    def hand_over(self) -> None:
        self._hears("hand over")

    def leave(self) -> None:
        self._hears("leave")

    async def empty(self) -> None:
        await self._empty.wait()


@pytest.fixture
async def signals() -> AsyncIterator[Signals]:
    yield Signals()
    for number in SIGNALS:
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drains, "HAND_OVER_SECONDS", 0.01)
    monkeypatch.setattr(drains, "LEAVE_SECONDS", 0.01)


async def come(signals: Signals) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        await signals.first.wait()


async def drained(pool: Held, signals: Signals, seconds: float = FOR_EVER) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        await drain(cast("Pool", pool), signals, seconds)
    return pool.told


async def test_nothing_happens_before_the_first_signal(signals: Signals) -> None:
    pool = Held("stop taking")
    leaving = asyncio.create_task(drained(pool, signals))
    for _ in range(5):
        await asyncio.sleep(0)
    assert pool.told == []
    await come(signals)
    assert await leaving == ["stop taking", "hand over", "leave"]


@pytest.mark.parametrize("lets_go", ["hand over", "leave", "never"])
async def test_when_the_time_is_up_streams_are_handed_over_and_it_ends_in_any_case(
    signals: Signals, lets_go: str
) -> None:
    await come(signals)
    assert await drained(Held(lets_go), signals, 0.01) == ["stop taking", "hand over", "leave"]


async def test_a_second_signal_waits_for_no_stream(signals: Signals) -> None:
    pool = Held("hand over")
    await come(signals)
    leaving = asyncio.create_task(drained(pool, signals))
    while not pool.told:
        await asyncio.sleep(0)
    assert pool.told == ["stop taking"]
    os.kill(os.getpid(), signal.SIGINT)
    assert await leaving == ["stop taking", "hand over", "leave"]


async def test_what_is_begun_is_given_up_for_a_signal_and_its_failure_is_told(signals: Signals) -> None:
    async def fails() -> None:
        raise LookupError

    assert await signals.before(asyncio.sleep(0))
    with pytest.raises(LookupError):
        await signals.before(fails())
    await come(signals)
    assert not await signals.before(asyncio.sleep(FOR_EVER))
