"""How a worker leaves: what the first signal asks for, what the second, and what is done when there is no more time.

The rule: after the first one nothing new is taken and streams may finish; after the second one, or when the time is up,
they are handed over; what Redis does not take back is left to its leases. The process ends in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable

from app.signals import SIGNALS
from app.stream.concurrency.tasks import end
from app.stream.observing import tell
from app.watch.events import of_processes
from worker.claims.pool import Pool

# What handing over and taking leave may cost beyond DRAIN_SECONDS.
HAND_OVER_SECONDS = 1.5
LEAVE_SECONDS = 0.3


async def drain(pool: Pool, signals: Signals, seconds: float) -> None:
    """Waits for the first signal. Returns when no stream is held any more, or has been left."""
    await signals.first.wait()
    tell(of_processes.Draining(streams=len(pool.leases)))
    pool.stop_taking()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await signals.second_or(pool.empty())
    pool.hand_over()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HAND_OVER_SECONDS):
            await pool.empty()
    pool.leave()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LEAVE_SECONDS):
            await pool.empty()


class Signals:
    """SIGTERM and SIGINT, counted."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self._second = asyncio.Event()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._come)

    async def before(self, work: Awaitable[object]) -> bool:
        """Does `work`, unless the first signal comes before it is done; whether it was done."""
        return await _race(work, self.first)

    async def second_or(self, work: Awaitable[object]) -> bool:
        """Does `work`, unless the second signal comes before it is done; whether it was done."""
        return await _race(work, self._second)

    def _come(self) -> None:
        (self._second if self.first.is_set() else self.first).set()


async def _race(work: Awaitable[object], event: asyncio.Event) -> bool:
    doing, waiting = asyncio.ensure_future(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait([doing, waiting], return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
            return True
        return False
    finally:
        await end(doing, waiting)
