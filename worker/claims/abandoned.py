"""Streams that nobody reads any more: after its `abandon_after` such a one is cancelled.

The rule: a front subscribes to a stream's channel for as long as somebody reads it there, so the number of subscribers
tells; but only while subscriptions are where they belong. Whoever is not heard himself, or could not look for a while,
may have seen an outage, and judges nobody until all had time to come back; on a cluster, where each stream has its
node, no stream is judged where this worker does not hear its control channel either. Streams that did not ask for it
are never looked at; the time counts from the moment this worker took the stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from redis.asyncio import Redis

from app.stream import keys
from app.stream.observing import tell
from app.stream.redis.known import shaken
from app.watch.events import of_streams
from app.watch.events.subjects import Subject
from worker.claims.leases import Lease
from worker.claims.trust import SHAKEN_SECONDS, Trust

# How much later than asked a stream may be found abandoned, at the most.
LOOK_SECONDS = 1.0
# Between two looks that were answered lies no more than this, unless Redis was away.
GAP_SECONDS = 2.5


class Abandoned:
    """Looks for such streams among `leases`. `own` is a channel of the same server to which this process alone listens,
    for ever.
    """

    def __init__(
        self, leases: Mapping[str, Lease], redis: Redis, own: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._leases = leases
        self._redis = redis
        self._own = own
        self._clock = clock
        self._read_at: dict[str, float] = {}
        self._looked_at = self._clock()
        self._trust = Trust(clock)

    async def watch(self) -> None:
        """Looks for as long as the process lives; raises when Redis does not answer."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Cancels what is abandoned."""
        patience = {
            stream_id: lease.life.abandon_after
            for stream_id, lease in self._leases.items()
            if lease.life.abandon_after is not None
        }
        now = self._clock()
        self._read_at = {stream_id: self._read_at.get(stream_id, now) for stream_id in patience}
        if not patience:
            self._looked_at = now
            return
        channels, controls = map(keys.channel, patience), map(keys.control, patience)
        (_, heard), *counts = await self._redis.pubsub_numsub(self._own, *channels, *controls)
        trusts = self._trusts(heard=bool(heard))
        many = len(patience)
        for (stream_id, seconds), (_, readers), (_, ours) in zip(
            patience.items(), counts[:many], counts[many:], strict=True
        ):
            if not ours:
                self._read_at[stream_id] = now + SHAKEN_SECONDS
            elif readers or not trusts:
                self._read_at[stream_id] = self._looked_at
            elif now - self._read_at[stream_id] >= seconds and (lease := self._leases.get(stream_id)) is not None:
                tell(of_streams.CancelAsked(Subject(stream_id), of_streams.UNREAD))
                lease.life.cancel()

    def _trusts(self, *, heard: bool) -> bool:
        """Whether an absence is one. `heard`: whether we are, where the question was answered."""
        now = self._clock()
        if not heard or shaken(self._redis) or now - self._looked_at > GAP_SECONDS:
            self._trust.shake()
        self._looked_at = now
        return self._trust.stands
