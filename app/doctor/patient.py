"""What the checks look at: the settings, and the Redis that they name, which is reached once for all of them.

The rule: a Redis that is not reached is told by the check that is about that, and the others have nothing to say of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self

from redis.asyncio import Redis

from app.settings import Settings
from app.stream.errors import UnfitServerError
from app.stream.redis.connect import connect
from app.stream.redis.refusals import NO_ANSWER, Kind, refusal_of

# Also where each of the few things that a new connection asks has its own time.
REACH_SECONDS = 2.5


class Patient:
    """`async with`: lets Redis go at the end."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.environ = environ
        self.redis: Redis | None = None
        self.why = ""  # Redis is not reached
        self._reaching: asyncio.Task[Mapping[str, Any] | None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.redis is not None:
            await self.redis.connection_pool.disconnect()

    async def info(self) -> Mapping[str, Any] | None:
        """What Redis says of itself; None where it is not reached, or does not say."""
        if self._reaching is None:
            self._reaching = asyncio.create_task(self._reach(), name="reach")
        return await asyncio.shield(self._reaching)

    async def _reach(self) -> Mapping[str, Any] | None:
        try:
            redis: Redis = connect(self.settings.redis_url, "doctor", retries=0, ca=self.settings.redis_ca)
            async with asyncio.timeout(REACH_SECONDS):
                info: Mapping[str, Any] = await redis.info()
        except UnfitServerError as error:
            self.why = str(error)
        except TimeoutError:
            self.why = "it has not answered in time"
        except NO_ANSWER as error:
            refusal = refusal_of(error)
            self.why = refusal.words if refusal.kind is not Kind.BUG else refusal.code
        else:
            self.redis = redis
            return info
        return None
