"""Whether a worker takes streams and keeps those that it has: what a probe of its is told.

The rule: a worker whose leases are not renewed in time is about to lose them, whatever it thinks of itself. A full one
is ready: it does what it is for. Nothing here waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from worker.claims.leases import Renewals
from worker.claims.pool import Pool

# An idle worker renews its place in the list once in a lease; one that missed it twice is late.
LATE_LEASES = 2.0


class Work(Protocol):
    """Something that runs in the background, as `Supervised` does."""

    name: str

    @property
    def alive(self) -> bool: ...


class Health:
    """Of a worker with this pool, whose `work` must be alive."""

    def __init__(self, pool: Pool, renewals: Renewals, work: Iterable[Work], lease_seconds: float) -> None:
        self._pool = pool
        self._renewals = renewals
        self._work = tuple(work)
        self._late_seconds = lease_seconds * LATE_LEASES

    def missing(self) -> str | None:
        """What it lacks to take streams; None for one that is ready."""
        if not self._pool.allow_pick_jobs:
            return "this worker is draining"
        for work in self._work:
            if not work.alive:
                return f"{work.name} has fallen; the worker's log says why"
        if (since := time.monotonic() - self._renewals.renewed_at) > self._late_seconds:
            return f"nothing has been renewed for {since:.0f} s; the worker's log says why"
        return None
