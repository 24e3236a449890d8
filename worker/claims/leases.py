"""What this worker holds, and the beat that keeps it its own.

The rule: one renewal for all leases at every third of their time; a refused one stops its stream at once, an unanswered
one changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.stream.log import Claim
from app.stream.observing import tell
from app.stream.queue import Queue
from app.watch.events import of_processes
from worker.life.life import Life
from worker.log.commit import Committer
from worker.log.lanes import Lanes

RENEWALS_PER_LEASE = 3


@dataclass(slots=True, eq=False)
class Lease:
    """A claim that is held here, its stream's life, and the task that lives it."""

    claim: Claim
    life: Life
    task: asyncio.Task[None] | None = field(default=None)


class Renewals:
    """Those of `leases`, in the name of `worker`."""

    def __init__(
        self,
        worker: str,
        leases: Mapping[str, Lease],
        queue: Queue,
        lease_seconds: float,
        *,
        committer: Committer | Lanes,
    ) -> None:
        self._committer = committer
        self._given_up = False
        self._worker = worker
        self._leases = leases
        self._queue = queue
        self._lease_seconds = lease_seconds
        self.beat_at = time.monotonic()  # when it last was in time
        self.renewed_at = self.beat_at  # when Redis last took it

    @property
    def claims(self) -> list[Claim]:
        """What is to be renewed; asked from another thread, too. Nothing, where the leases are given up."""
        if self._given_up:
            return []
        return [lease.claim for lease in list(self._leases.values())]

    async def keep(self) -> None:
        """Renews for as long as the process lives; raises when Redis does not answer."""
        while True:
            await self.renew()
            # A worker without streams has nothing to lose and only keeps its place in the list.
            for _ in range(1 if self._leases else RENEWALS_PER_LEASE):
                await asyncio.sleep(self._lease_seconds / RENEWALS_PER_LEASE)
                self.beat_at = time.monotonic()
                if self._leases:
                    break

    async def renew(self) -> None:
        """Renews all leases, and the worker's place in the list: but not of who cannot write for a fault of his own."""
        self._given_up = self._committer.broken_for > self._lease_seconds
        if self._given_up:
            tell(of_processes.LeasesGivenUp())
            return
        leases = list(self._leases.values())
        claims = [lease.claim for lease in leases]
        self.beat_at = time.monotonic()
        refused = await self._queue.renew(self._worker, claims, int(self._lease_seconds * 1000))
        self.renewed_at = time.monotonic()
        for lease in leases:
            if lease.claim.stream_id in refused:
                lease.life.leave()
