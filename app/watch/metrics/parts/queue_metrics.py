"""What a front shows of the queue.

The rule: Redis is asked at a beat of its own, never because somebody scrapes, so that no scrape waits for Redis; what
was heard longer than `FRESH_SECONDS` ago is not shown at all, for nobody could tell it from what is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from app.stream.redis.refusals import NO_ANSWER, tell_refusal
from app.stream.workers.standing import Standing
from app.watch.metrics import table
from app.watch.metrics.series import Shown, now

LOOK_SECONDS = 2.0
FRESH_SECONDS = 10.0


class QueueMetrics:
    """`look` asks Redis."""

    def __init__(self, look: Callable[[], Awaitable[Standing]]) -> None:
        self._look = look
        self._heard: tuple[float, Standing] | None = None

    async def watch(self) -> None:
        """Looks for as long as the process lives."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        try:
            found = await self._look()
        except NO_ANSWER as error:
            tell_refusal("queue-metrics", error)
        else:
            self._heard = time.monotonic(), found

    def counted(self) -> Iterator[Shown]:
        if self._heard is None or time.monotonic() - self._heard[0] > FRESH_SECONDS:
            return
        numbers = self._heard[1]
        yield now(table.WAITING, numbers.waiting)
        yield now(table.OLDEST_WAITING, numbers.oldest_seconds)
        yield now(table.ASKING, numbers.asking)
        yield now(table.PUT_BY, numbers.put_by)
        yield now(table.LEASES, numbers.leases)
        yield now(table.WORKERS, numbers.workers)
        yield now(table.CAPACITY, numbers.capacity)
        yield now(table.HELD_MODELS, numbers.held_models)
        yield now(table.REDIS_USED, numbers.used_bytes)
        yield now(table.REDIS_MAX, numbers.max_bytes)
