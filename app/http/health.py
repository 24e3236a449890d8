"""`/healthz` and `/readyz`: is the process up, and may it be sent readers.

The rule: the answer comes within `READY_SECONDS`, whatever the front is busy with: Redis is asked over a connection of
its own, once for all who ask at the same time. A background task that has fallen, or does its work no more, is as bad
as Redis being away. A Redis that answers and takes no writes is none: all fronts would be taken out at once, and their
readers, who are served, be sent to a proxy that has nobody; who asks for a write is told the truth here. So is a
cluster of which somebody serves; one that is down as a whole is away. What is wrong and takes no front out stands in
the answer as `notes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.http.errors import ApiError
from app.http.whole import json_response
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.wholeness import anybody_serves
from app.stream.redis.connect import AWAY
from app.stream.redis.known import server_of
from app.stream.redis.refusals import tell_refusal

# Probes commonly wait for a second.
READY_SECONDS = 1.0
# How a server answers that serves readers and takes no writes.
_NO_WRITES = ("MISCONF", "OOM", "READONLY", "NOREPLICAS")


class Work(Protocol):
    """Something that runs in the background."""

    @property
    def name(self) -> str:
        """What is said to have fallen."""

    @property
    def alive(self) -> bool:
        """Whether it does what it is for."""


class Readiness:
    """`redis` and `logs` (the streams', where those are elsewhere) are clients that nobody else uses; `work` must be
    alive. `wrong` says each what else is wrong, or None.
    """

    def __init__(
        self,
        redis: Redis,
        work: Iterable[Work],
        logs: Redis | None = None,
        wrong: Iterable[Callable[[], str | None]] = (),
    ) -> None:
        self._servers = [redis] if logs in (None, redis) else [redis, logs]
        self._work = tuple(work)
        self._asking: asyncio.Task[str | None] | None = None
        self._wrong = tuple(wrong)
        self._unwritten: dict[str, str] = {}  # who takes no writes, and the code with which it says so

    @property
    def notes(self) -> list[str]:
        """What is wrong, as far as is known by now, and sends no reader away."""
        unwritten = [f"{name} takes no writes: {code}" for name, code in self._unwritten.items()]
        return unwritten + [said for wrong in self._wrong if (said := wrong()) is not None]

    @property
    def fallen(self) -> str | None:
        """The name of work that is not alive."""
        for work in self._work:
            if not work.alive:
                return work.name
        return None

    async def missing(self) -> str | None:
        """What a front lacks to be sent readers; None for one that is ready."""
        if (fallen := self.fallen) is not None:
            return f"{fallen} has fallen; the front's log says why"
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="ready")
        done, _ = await asyncio.wait({self._asking}, timeout=READY_SECONDS)
        return next(iter(done)).result() if done else f"Redis has not answered within {READY_SECONDS:g} s"

    async def _ask(self) -> str | None:
        missing = await asyncio.gather(*map(self._reached, self._servers))
        return next((one for one in missing if one is not None), None)

    async def _reached(self, redis: Redis) -> str | None:
        name = server_of(redis).name
        self._unwritten.pop(name, None)
        try:
            await (anybody_serves(redis) if isinstance(redis, Sharded) else redis.ping())
        except (RedisError, *AWAY) as error:
            refusal = tell_refusal("ready", error)
            if refusal.code not in _NO_WRITES:
                which = f" of {name}" if len(self._servers) > 1 else ""
                return f"Redis{which} cannot be reached: {refusal.code}"
            self._unwritten[name] = refusal.code
        return None


def routes(ready: Readiness, draining: Callable[[], bool]) -> list[Route]:
    """Of a front that is `ready` unless it is about to stop."""

    async def healthz(_request: Request) -> Response:
        return json_response({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        if draining():
            raise ApiError(503, "this front is draining")
        missing = await ready.missing()
        if missing is not None:
            raise ApiError(503, missing)
        notes = ready.notes
        return json_response({"status": "ready"} | ({"notes": notes} if notes else {}))

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
