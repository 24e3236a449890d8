"""The beat that keeps a worker's streams its own: renewals, and what only a look can tell.

The rule: one renewal for all leases at every third of their time; a refused one stops its stream at once, an unanswered
one changes nothing. With it come the cancellations whose message was lost, and the streams that nobody reads.
"""

from __future__ import annotations

import asyncio
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.stream import keys
from app.stream.connect import AWAY
from worker.interrupt import Why
from worker.pool import Hold, Pool
from worker.run import Tools

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3
# A worker without streams has nothing to lose: it only keeps its place in the list.
IDLE_RENEWALS_PER_LEASE = 1


class Leases:
    def __init__(self, pool: Pool, tools: Tools, redis: Redis) -> None:
        self._pool = pool
        self._tools = tools
        self._redis = redis
        self._lease_ms = int(tools.settings.lease_seconds * 1000)
        self._unread: dict[Hold, float] = {}

    async def keep(self) -> None:
        """Renews for as long as the process lives."""
        third = self._tools.settings.lease_seconds / RENEWALS_PER_LEASE
        beats = 0
        while True:
            await asyncio.sleep(third)
            beats += 1
            if not self._pool.holds and beats % RENEWALS_PER_LEASE:
                continue
            try:
                await self.renew()
                await self._look()
            except (RedisError, *AWAY) as error:
                logger.warning("leases not renewed: %s", type(error).__name__)

    async def renew(self) -> None:
        """Renews all leases, and the worker's place in the list."""
        holds = list(self._pool.holds.values())
        claims = [hold.claim for hold in holds]
        refused = await self._tools.queue.renew(self._pool.name, claims, self._lease_ms)
        for hold in holds:
            if hold.claim.stream_id in refused:
                hold.run.interrupt.stop(Why.LEFT)

    async def _look(self) -> None:
        """Finds cancellations whose message was lost."""
        holds = list(self._pool.holds.values())
        if not holds:
            return
        pipe = self._redis.pipeline(transaction=False)
        for hold in holds:
            pipe.hget(keys.meta(hold.claim.stream_id), "cancel")
        for hold, flag in zip(holds, await pipe.execute(), strict=True):
            if flag == b"1":
                hold.run.interrupt.stop(Why.CANCELLED)
