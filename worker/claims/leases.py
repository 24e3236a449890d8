"""The beat that keeps a worker's streams its own.

The rule: one renewal for all leases at every third of their time; a refused one stops its stream at once, an unanswered
one changes nothing. With it come the cancellations whose message was lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim
from app.stream.queue import Queue
from worker.claims.pool import Hold
from worker.life.interrupt import Why
from worker.log.commit import Committer

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3


class Leases:
    """The leases of `holds`, in the name of `worker`."""

    def __init__(
        self,
        worker: str,
        holds: Mapping[str, Hold],
        queue: Queue,
        redis: Redis,
        lease_seconds: float,
        *,
        committer: Committer,
    ) -> None:
        self._committer = committer
        self._given_up = False
        self._worker = worker
        self._holds = holds
        self._queue = queue
        self._redis = redis
        self._lease_seconds = lease_seconds
        self.beat_at = time.monotonic()  # when it last was in time

    @property
    def claims(self) -> list[Claim]:
        """What is held; asked from another thread, too. Nothing, where the leases are given up."""
        if self._given_up:
            return []
        return [hold.claim for hold in list(self._holds.values())]

    async def keep(self) -> None:
        """Renews for as long as the process lives; raises when Redis does not answer."""
        while True:
            await self.renew()
            await self._look()
            # A worker without streams has nothing to lose and only keeps its place in the list.
            for _ in range(1 if self._holds else RENEWALS_PER_LEASE):
                await asyncio.sleep(self._lease_seconds / RENEWALS_PER_LEASE)
                self.beat_at = time.monotonic()
                if self._holds:
                    break

    async def renew(self) -> None:
        """Renews all leases, and the worker's place in the list: but not of who cannot write for a fault of his own."""
        self._given_up = self._committer.broken_for > self._lease_seconds
        if self._given_up:
            logger.error("leases: nothing can be written here, others may take over")
            return
        holds = list(self._holds.values())
        claims = [hold.claim for hold in holds]
        self.beat_at = time.monotonic()
        refused = await self._queue.renew(self._worker, claims, int(self._lease_seconds * 1000))
        for hold in holds:
            if hold.claim.stream_id in refused:
                hold.run.leave()

    async def _look(self) -> None:
        """Finds cancellations whose message was lost."""
        holds = list(self._holds.values())
        if not holds:
            return
        pipe = self._redis.pipeline(transaction=False)
        for hold in holds:
            pipe.hget(keys.meta(hold.claim.stream_id), "cancel")
        for hold, flag in zip(holds, await pipe.execute(), strict=True):
            if flag == b"1":
                hold.run.interrupt.stop(Why.CANCELLED)
