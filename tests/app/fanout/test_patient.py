"""The reader of a client that cannot come back by itself: woken in time, and patient while its front drains."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from app.fanout import patient
from app.fanout.hub import Hub
from app.fanout.patient import PatientReader
from app.stream.frames import origin

SOON = 0.02


class FakeHub:
    """As much of a hub as the reader asks."""

    def __init__(self) -> None:
        self.draining = False
        self.leave_by = 0.0


class Watched(PatientReader):
    """Notes when it is woken."""

    __slots__ = ("woken",)

    def __init__(self, hub: FakeHub, due: float) -> None:
        super().__init__(origin("st_1"), cast("Hub", hub), asyncio.get_running_loop().time() + due)
        self.woken = asyncio.Event()

    def aside(self, piece: Any) -> None:
        super().aside(piece)
        self.woken.set()


async def test_it_is_woken_when_something_is_due() -> None:
    reader = Watched(FakeHub(), SOON)
    async with asyncio.timeout(5):
        await reader.woken.wait()
    assert asyncio.get_running_loop().time() >= reader.due
    reader.close()


async def test_what_became_due_later_wakes_it_later() -> None:
    reader = Watched(FakeHub(), SOON)
    reader.due += 2 * SOON
    async with asyncio.timeout(5):
        await reader.woken.wait()
    assert asyncio.get_running_loop().time() >= reader.due
    reader.close()


async def test_what_became_due_sooner_wakes_it_sooner() -> None:
    reader = Watched(FakeHub(), 3600)
    reader.due -= 3600 - SOON
    async with asyncio.timeout(5):
        await reader.woken.wait()
    reader.close()


async def test_who_is_busy_is_woken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "AGAIN_SECONDS", SOON)
    reader = Watched(FakeHub(), 0)
    async with asyncio.timeout(5):
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
    async with asyncio.timeout(5):
        await reader._wake.wait()
    assert asyncio.get_running_loop().time() >= hub.leave_by
    assert reader._left is not None
    reader.close()


async def test_one_that_comes_during_the_drain_is_told_as_well() -> None:
    hub = FakeHub()
    hub.draining = True
    reader = Watched(hub, 3600)
    async with asyncio.timeout(5):
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
