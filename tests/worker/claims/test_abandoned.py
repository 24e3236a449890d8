"""Who is taken for a reader, on a real server: an absence counts only while subscriptions are where they belong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from app.stream import keys
from worker.claims import abandoned
from worker.claims.abandoned import GAP_SECONDS, LOOK_SECONDS, Abandoned
from worker.claims.trust import SHAKEN_SECONDS

OWN = keys.alive("w")
READ = "st_read"
PATIENCE = 2.0


class Scene:
    """A stream that nobody reads, and a clock that stands still between two looks. It is its own `Lease` and `Life`."""

    def __init__(self, redis: Redis, listener: Any) -> None:
        self.cancelled = False
        self.abandon_after = PATIENCE
        self.life = self
        self._now = 1000.0
        self._listener = listener
        self._abandoned = Abandoned(cast("Any", {READ: self}), redis, OWN, clock=lambda: self._now)

    async def listen(self) -> None:
        """The worker is heard, as it is for as long as nothing is wrong."""
        await self._listener.subscribe(OWN, keys.control(READ))
        for _ in range(2):
            await self._listener.get_message(timeout=5)

    async def deaf(self) -> None:
        """It is heard, and does not hear of this stream."""
        await self._listener.unsubscribe(keys.control(READ))
        await self._listener.get_message(timeout=5)

    async def looks(self, seconds: float) -> bool:
        """As often as it would, for so long; whether the stream is taken for abandoned."""
        for _ in range(round(seconds / LOOK_SECONDS)):
            self.passes(LOOK_SECONDS)
            await self._abandoned.look()
        return self.cancelled

    def cancel(self) -> None:
        self.cancelled = True

    def passes(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture
async def scene(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(abandoned, "shaken", lambda _: False)  # by what other tests did in this process
    async with redis.pubsub() as listener:
        yield Scene(redis, listener)


async def test_a_stream_that_nobody_reads_is_cancelled(scene: Scene) -> None:
    await scene.listen()
    assert not await scene.looks(PATIENCE)
    assert await scene.looks(LOOK_SECONDS)


async def test_who_is_not_heard_himself_judges_nobody(scene: Scene) -> None:
    assert not await scene.looks(10 * PATIENCE)
    await scene.listen()
    assert not await scene.looks(SHAKEN_SECONDS)  # the fronts may need longer to come back
    assert await scene.looks(3 * LOOK_SECONDS)


async def test_no_stream_is_judged_that_this_worker_does_not_hear_either(scene: Scene) -> None:
    """Its node may have changed, and whoever reads it may listen there."""
    await scene.listen()
    await scene.deaf()
    assert not await scene.looks(10 * PATIENCE)
    await scene.listen()
    assert not await scene.looks(SHAKEN_SECONDS)
    assert await scene.looks(3 * LOOK_SECONDS)


async def test_an_outage_is_nobody_s_absence(scene: Scene) -> None:
    await scene.listen()
    assert not await scene.looks(LOOK_SECONDS)
    scene.passes(10 * GAP_SECONDS)  # in which nothing was answered, and after which nobody is back yet
    assert not await scene.looks(SHAKEN_SECONDS)
    assert await scene.looks(3 * LOOK_SECONDS)


async def test_right_after_a_failover_nobody_s_absence_counts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.listen()
    monkeypatch.setattr(abandoned, "shaken", lambda _: True)
    assert not await scene.looks(10 * PATIENCE)
    monkeypatch.setattr(abandoned, "shaken", lambda _: False)
    assert not await scene.looks(SHAKEN_SECONDS)
    assert await scene.looks(3 * LOOK_SECONDS)
