"""EventSources over HTTP/2: for them any status but 200 and 204 is the end.

Those that stay are all on one connection, as the tabs of a browser are.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import httpx

from tests.harness.reader import Sight, ViolationError
from tests.patience import PATIENCE

# What ends a connection that was there: an EventSource comes again.
CUT = (httpx.TransportError, TimeoutError)


class Door(Protocol):
    """Where one comes in; each client has a connection of its own."""

    def client(self) -> httpx.AsyncClient: ...


@dataclass
class Sources:
    """Of whoever has this key. Without an `http` for all of them each connects anew each time.

    One that leaves has to: our client tells nobody of a stream that is read no more, as long as it has others.
    """

    door: Door
    key: str
    statuses: Counter[int]
    http: httpx.AsyncClient | None = None
    versions: set[str] = field(default_factory=set)
    of_the_edge: int = 0  # answers that no front has given

    async def watch(self, sight: Sight, leave_after: Callable[[], float] = lambda: 3600.0) -> None:
        """Reads a stream to its ending; `leave_after` seconds it leaves a connection by itself, and comes again."""
        while sight.end is None:
            with contextlib.suppress(*CUT):
                async with asyncio.timeout(leave_after()):
                    if await self.once(sight) == 204:
                        return
            sight.reconnects += 1
            await asyncio.sleep(random.uniform(0.01, 0.2))  # noqa: S311 - jitter

    async def once(self, sight: Sight) -> int:
        """One connection, to its end."""
        if self.http is not None:
            return await self._read(self.http, sight)
        async with self.door.client() as http:
            return await self._read(http, sight)

    async def _read(self, http: httpx.AsyncClient, sight: Sight) -> int:
        headers = {"accept": "text/event-stream", "x-api-key": self.key}
        headers |= {"last-event-id": sight.after} if sight.after else {}
        url = f"/v1/streams/{sight.stream_id}/events"
        async with http.stream("GET", url, headers=headers, timeout=PATIENCE) as answer:
            self.statuses[answer.status_code] += 1
            self.versions.add(answer.http_version)
            self.of_the_edge += "via" not in answer.headers
            if answer.status_code != HTTPStatus.OK:
                return answer.status_code
            block = bytearray()
            async for part in answer.aiter_raw():
                block += part
                *whole, rest = bytes(block).split(b"\n\n")
                block = bytearray(rest)
                for one in whole:
                    sight.take(one)
            if block:
                raise ViolationError(f"{sight.stream_id}: a clean end in the middle of a frame: {bytes(block[:100])!r}")
            return answer.status_code
