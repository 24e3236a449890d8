"""Who still reads: a stream that nobody has read for its `abandon_after` is cancelled.

The rule: a front subscribes to a stream's channel for as long as somebody reads it there, so the number of subscribers
tells. Streams that did not ask for it are never looked at; the time counts from the moment this worker took the stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from redis.asyncio import Redis

from app.stream import keys
from app.stream.links import shaken
from worker.interrupt import Why
from worker.pool import Hold

logger = logging.getLogger(__name__)

# How much later than asked a stream may be found abandoned, at the most.
LOOK_SECONDS = 1.0


class Audience:
    """Looks after the streams in `holds`."""

    def __init__(self, holds: Mapping[str, Hold], redis: Redis) -> None:
        self._holds = holds
        self._redis = redis
        self._loop = asyncio.get_running_loop()
        self._read_at: dict[str, float] = {}

    async def watch(self) -> None:
        """Looks for as long as the process lives; raises when Redis does not answer."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Cancels what is abandoned."""
        patience = {
            stream_id: hold.run.abandon_after
            for stream_id, hold in self._holds.items()
            if hold.run.abandon_after is not None
        }
        now = self._loop.time()
        self._read_at = {stream_id: self._read_at.get(stream_id, now) for stream_id in patience}
        if not patience:
            return
        counts = await self._redis.pubsub_numsub(*(keys.channel(stream_id) for stream_id in patience))
        for (stream_id, seconds), (_, readers) in zip(patience.items(), counts, strict=True):
            if readers or shaken():
                self._read_at[stream_id] = now
            elif now - self._read_at[stream_id] >= seconds and (hold := self._holds.get(stream_id)) is not None:
                logger.info("%s: nobody reads it", stream_id)
                hold.run.interrupt.stop(Why.CANCELLED)
