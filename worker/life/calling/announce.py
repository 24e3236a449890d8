"""Saying to a stream's readers what is not in its log: the writing end of `app.stream.asides`.

The rule: nobody waits for it and nobody minds if it fails. While one of a stream's is on its way, further ones are left
out: they say the same of a later moment, and soon are said again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.stream import asides
from app.stream.asides import Told
from app.stream.concurrency.tasks import end
from app.stream.redis.connect import AWAY


class Announcer:
    """One for a worker. To be closed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._forgetting: set[asyncio.Task[None]] = set()

    def announce(self, stream_id: str, told: Told) -> None:
        if stream_id not in self._under_way:
            task = asyncio.create_task(self._publish(stream_id, told), name="aside")
            self._under_way[stream_id] = task
            task.add_done_callback(lambda _: self._under_way.pop(stream_id, None))

    def withdraw(self, stream_id: str) -> None:
        """What was told of a wait holds no more."""
        task = asyncio.create_task(self._clear(stream_id, self._under_way.get(stream_id)), name="aside")
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    async def close(self) -> None:
        await end(*self._under_way.values(), *self._forgetting)

    async def _publish(self, stream_id: str, told: Told) -> None:
        with suppress(RedisError, *AWAY):
            await asides.tell(self._redis, stream_id, told)

    async def _clear(self, stream_id: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait((before,))
        with suppress(RedisError, *AWAY):
            await asides.over(self._redis, stream_id)
