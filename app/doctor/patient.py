"""What the checks look at: the settings, and the servers that they name, which are reached once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self

from redis.asyncio import Redis

from app.doctor.reaching import Place, Server
from app.settings import Settings
from app.stream.redis.fitness import Part
from app.stream.redis.known import QUEUE
from app.stream.redis.servers import LOGS


class Patient:
    """`async with`: lets Redis go at the end. `queue` and `logs` are its servers; `logs` is None where one is both."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.environ = environ
        streams, ca = settings.streams_redis_url, settings.redis_ca
        apart = streams is not None and streams != settings.redis_url
        self.queue = Server(QUEUE, settings.redis_url, ca, Part.QUEUE if apart else Part.ALL)
        self.logs = Server(LOGS, streams, ca, Part.LOGS) if streams is not None and apart else None
        self.redis: Redis | None = None  # the queue's, where it is reached

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            await server.aclose()

    async def places(self) -> list[Place]:
        """All servers that answer, of both settings."""
        found = await asyncio.gather(*(server.places() for server in self._servers))
        self.redis = found[0][0].client if found[0] else None
        return [place for places in found for place in places]

    async def info(self) -> Mapping[str, Any] | None:
        """What the queue's server says of itself; None where it is not reached, or does not say."""
        await self.places()
        found = await self.queue.places()
        return found[0].info if found else None

    @property
    def _servers(self) -> list[Server]:
        return [self.queue, *([self.logs] if self.logs is not None else [])]
