"""How long everybody waits before the next call: one worker finds out, all of them know.

The rule: the hold is a courtesy to the upstream. It never stands in a stream's way for longer than `RETRY_WAIT_MAX`,
and where Redis does not tell, nobody waits. What is beyond that limit is not held: each stream learns the real wait and
passes it on.
"""

from __future__ import annotations

import random

from redis.exceptions import RedisError

from app.stream.connect import AWAY
from app.stream.workers import Workers

# Those who waited together must not come back as one: up to this share of the wait later, up to so many seconds.
SPREAD = 0.25
SPREAD_SECONDS_MAX = 5.0


class Admission:
    """Seconds in, seconds out."""

    def __init__(self, workers: Workers, wait_max: float) -> None:
        self._workers = workers
        self._wait_max = wait_max

    async def hold(self, model: str, seconds: float) -> None:
        """The upstream wants nobody to call `model` for so long."""
        if 0 < seconds <= self._wait_max:
            try:
                await self._workers.hold(model, max(round(seconds * 1000), 1))
            except (RedisError, *AWAY):
                return

    async def wait(self, model: str) -> float:
        """How long to wait before a call of `model`; 0 for not at all."""
        try:
            seconds = await self._workers.held(model) / 1000
        except (RedisError, *AWAY):
            return 0.0
        return seconds + random.random() * min(seconds * SPREAD, SPREAD_SECONDS_MAX)  # noqa: S311  # no secret
