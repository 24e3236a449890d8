"""The worker's pool: an `arq.Worker` that takes jobs by a claim and holds them under leases.

The rule: a stream is held by one task here, and nothing that escapes it ends the worker; what is taken is bounded by
slots and by memory. A job is run by `jobs`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

from arq import ArqRedis

from app.stream import keys
from app.stream.log import Claim
from worker.claims.jobs import Jobs
from worker.claims.leases import Lease
from worker.claims.resting import rest_seconds
from worker.life.life import Life
from worker.life.services import Services

# A wake-up may be lost, and nothing wakes for a lease that expires: the queue is looked at this often in any case.
POLL_SECONDS = 2.0
# Who leaves looks so often whether the claim that is under way has been answered.
CLAIMING_SECONDS = 0.01


class Pool(Jobs):
    """Up to `worker_streams` streams at a time, and `worker_bytes` of them, which stand in `leases`.

    Within `heard` a stream's cancellation is heard of; `stir` is called when there may be other workers' leases.
    """

    def __init__(
        self,
        name: str,
        services: Services,
        redis: ArqRedis,
        leases: dict[str, Lease],
        *,
        heard: Callable[[Life], contextlib.AbstractContextManager[None]],
        stir: Callable[[], None],
    ) -> None:
        super().__init__(redis, services.settings.worker_streams)
        self.name = name
        self.leases = leases
        self._services = services
        self._heard = heard
        self._stir = stir
        self._claims = 1
        self._claiming = False
        self._end: Callable[[Life], None] | None = None
        self._look_at = 0.0
        self._more = True  # somebody may wait for whom there was no slot
        self._for_nothing = False  # there was a slot, and nobody for it
        self._workers = 1  # that are woken together
        self._waken = asyncio.Event()
        self._lease_ms = int(services.settings.lease_seconds * 1000)

    # --- taking

    async def main(self) -> None:
        """Takes streams until `stop_taking`; raises when Redis does not answer."""
        while self.allow_pick_jobs:
            woken = self._waken.is_set()
            self._waken.clear()
            # An idle worker asks with one cheap command; expired leases are found by it, too.
            if woken or await self.pool.exists(keys.JOBS, keys.LEASES):
                await self._poll_iteration()
                self._stir()
                if self.loop.time() >= self._look_at:
                    self._look_at = self.loop.time() + POLL_SECONDS
                    await self._services.gate.look()
                    [(_, self._workers)] = await self.pool.pubsub_numsub(keys.WAKE)
                if woken and self._for_nothing:
                    await asyncio.sleep(rest_seconds(self._workers, random.random()))  # noqa: S311 - no secret
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._waken.wait()

    async def _poll_iteration(self) -> None:
        """Claims as many streams as there are free slots."""
        slots = self.slots
        self._more, self._for_nothing = True, False
        if slots <= 0:
            return
        self._claiming = True
        try:
            await self._claim(slots)
        finally:
            self._claiming = False

    async def _claim(self, slots: int) -> None:
        # The number rises only with an answer: a claim whose answer was lost gets the same one again.
        claims = await self._services.queue.claim(self.name, self._claims, slots=slots, lease_ms=self._lease_ms)
        self._for_nothing = not claims
        if claims:
            self._claims += 1
        for claim in claims:
            self._take(claim)
        self._more = len(claims) >= slots
        if self._more and len(self.leases) < self.max_jobs:  # some have ended meanwhile
            self._waken.set()

    def wake(self) -> None:
        """There may be something to take."""
        self._waken.set()

    def stop_taking(self) -> None:
        self.allow_pick_jobs = False
        self._waken.set()

    # --- how much

    @property
    def slots(self) -> int:
        """How many more streams could be taken now."""
        return max(self.max_jobs - len(self.leases), 0) if self.allow_pick_jobs and not self.full else 0

    def numbers(self) -> dict[str, Any]:
        """What a worker leaves in Redis of itself."""
        return {"draining": not self.allow_pick_jobs, "capacity": self.max_jobs}

    def said(self) -> dict[str, int]:
        """How many bytes of an answer each stream here has been given by now."""
        return {stream_id: lease.life.said for stream_id, lease in self.leases.items()}

    @property
    def bytes_in_flight(self) -> int:
        """What the streams held here take in memory, about: frames kept, frames that Redis has not taken, Messages."""
        return sum([lease.life.memory_bytes for lease in self.leases.values()])

    @property
    def full(self) -> bool:
        """Whether no more streams are to be taken, although there are free slots.

        What those in flight may still grow to is bounded by MAX_LOG_BYTES for each.
        """
        settings = self._services.settings
        broken = self._services.committer.broken_for > settings.lease_seconds
        return broken or self.bytes_in_flight >= settings.worker_bytes

    # --- holding

    def _take(self, claim: Claim) -> None:
        older = self.leases.get(claim.stream_id)
        lease = Lease(claim, Life(claim, self._services))
        self.leases[claim.stream_id] = lease
        if self._end is not None:  # it was on its way when all others were told
            self._end(lease.life)
        lease.task = self.loop.create_task(self._hold(lease, older), name=claim.stream_id)

    async def _hold(self, lease: Lease, older: Lease | None) -> None:
        """The task of a claim: runs its job, whatever happens."""
        stream_id = lease.claim.stream_id
        try:
            if older is not None and older.task is not None:  # its lease was lost, and it does not know yet
                older.life.leave()
                await asyncio.wait([older.task])
            lease.life.prepare()
            with self._heard(lease.life):
                await self.run_under(lease)
        finally:
            if self.leases.get(stream_id) is lease:
                del self.leases[stream_id]
            if self._more:
                self._waken.set()

    # --- ending

    def hand_over(self) -> None:
        """Gives all streams back at once, those of a claim that is still on its way as well."""
        self._end_all(Life.hand_over)

    def leave(self) -> None:
        """Leaves what could not be given back to its leases."""
        self._end_all(Life.leave)

    def _end_all(self, end: Callable[[Life], None]) -> None:
        self._end = end
        for lease in self.leases.values():
            end(lease.life)

    async def empty(self) -> None:
        """Returns when no stream is held, and none is about to be."""
        while self.leases or self._claiming:
            if tasks := [lease.task for lease in self.leases.values() if lease.task is not None]:
                await asyncio.wait(tasks)
            else:
                await asyncio.sleep(CLAIMING_SECONDS)
