"""Renews in the stead of the worker's own loop while that stands still: a long walk of it must not cost its streams
their holder.

The rule: a thread of its own, with a loop and a connection of its own, that does nothing while the renewals come in
time. It stands in for a loop that is late, and only for so long: one that stands still for good is taken over like any
worker that is dead. What Redis refuses it leaves to the loop, whose next renewal hears the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.stream.concurrency.threads import SupervisedThread
from app.stream.observing import tell
from app.stream.queue import Queue
from app.stream.redis.connect import AWAY
from app.watch.events import of_processes
from worker.claims.leases import Renewals

# Of a lease: how late a renewal is when one comes from here, and how often that is looked at. The usual ones come at a
# third.
LATE = 0.5
LOOK = 0.125
# For so many leases a loop that says nothing is stood in for.
STAND_IN = 3.0


class StandIn:
    """For the loop that makes `renewals`. `connect` makes a client of its own, in its own loop."""

    def __init__(self, worker: str, renewals: Renewals, connect: Callable[[], Redis], lease_seconds: float) -> None:
        self._worker = worker
        self._renewals = renewals
        self._connect = connect
        self._lease_seconds = lease_seconds
        self._thread = SupervisedThread("stand-in", self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop()

    def _run(self, ended: threading.Event) -> None:
        with asyncio.Runner() as runner:
            while not ended.wait(self._lease_seconds * LOOK):
                if self._is_late:
                    runner.run(self._stand_in(ended))

    @property
    def _is_late(self) -> bool:
        late = time.monotonic() - self._renewals.beat_at
        return bool(self._renewals.claims) and LATE < late / self._lease_seconds < STAND_IN

    async def _stand_in(self, ended: threading.Event) -> None:
        """Renews until the loop does it again."""
        tell(of_processes.RenewalsLate())
        redis = self._connect()
        queue, lease_ms = Queue(redis), int(self._lease_seconds * 1000)
        try:
            while self._is_late and not ended.is_set():
                with contextlib.suppress(RedisError, *AWAY):
                    await queue.renew(self._worker, self._renewals.claims, lease_ms)
                await asyncio.sleep(self._lease_seconds / 3)
        finally:
            await redis.aclose()
