"""What every stream of a run did cost, also of those that nobody of the load was told of.

The rule: a ledger is read while it is kept. An ended stream goes after a minute or two, and a run may take longer; one
whose submit was never answered is known by its entry on the outbox alone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.stream import keys
from app.stream.ledger.lines import Calls, calls_of

LOOK_SECONDS = 1.0


class Billed:
    """Of one queue, and of `streams`, where the logs are; either may be away for a while."""

    def __init__(self, redis: Redis, streams: Any) -> None:
        self.calls: dict[str, Calls] = {}
        self._redis = redis
        self._streams = streams
        self._seen = "-"

    async def run(self) -> None:
        while True:
            with suppress(RedisError, OSError):
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Reads the ledgers of those that have ended since it looked last."""
        for place, entry in await self._redis.xrange(keys.OUTBOX, self._seen):
            stream_id = entry[b"id"].decode()
            ledger = await self._streams.hget(keys.meta(stream_id), "calls")
            self.calls[stream_id] = calls_of(ledger, 0, "")
            self._seen = f"({place.decode()}"
