"""How long one question is asked of a cluster again, and what it comes to then: nobody is there, and no verdict."""

from __future__ import annotations

import asyncio

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.stream.concurrency.tasks import Pause
from app.stream.redis.refusals import refusal_of, tell_refusal

# As long as one server that does not answer is waited for.
PATIENCE_SECONDS = 2.0
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.02, 0.25
# From one node to the next without a pause; more is a cluster that does not agree with itself.
HOPS = 4


class NoNodeError(RedisConnectionError):
    """Nobody has the slot, for now."""


class Patience:
    """With one question: how long it is asked again, and how often at once."""

    def __init__(self) -> None:
        self._until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        self._pause = Pause(PAUSE_SECONDS, PAUSE_SECONDS_MAX)
        self._hops = 0

    def hops(self) -> bool:
        """Whether another node may be asked at once."""
        self._hops += 1
        return self._hops <= HOPS

    async def wait(self, error: Exception) -> None:
        """Raises `error`, as one of who is away, once it was asked for long enough."""
        if asyncio.get_running_loop().time() < self._until:
            await self._pause.wait()
        elif isinstance(error, RedisConnectionError | RedisTimeoutError):
            raise error
        else:
            tell_refusal("cluster", error)
            raise NoNodeError(refusal_of(error).words) from error
