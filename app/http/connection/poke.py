"""Asking a client who has closed its half whether it is there: by writing to it what means nothing.

The rule: what is said never stands inside an event, and where nothing can be said that means nothing, nothing is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.http.connection import bounds
from app.http.origins import SSE

_CHUNK = b"8\r\n: ping\n\n\r\n"
_HEAD = b"HTTP/1.1 102 Processing\r\n\r\n"


class Poker:
    """Writes now and then to a client that has sent all it will: one that is gone looks like one that listens, until it
    is written to twice. `running` is the answer that it waits for.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, running: Callable[[], Any]
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._running = running
        self._pokes = 0
        self._timer = self._later()

    def cancel(self) -> None:
        self._timer.cancel()

    def _later(self) -> asyncio.TimerHandle:
        after = bounds.POKES[min(self._pokes, len(bounds.POKES) - 1)]
        self._pokes += 1
        return self._loop.call_later(after, self._poke)

    def _poke(self) -> None:
        running = self._running()
        if self._transport.is_closing() or running is None or running.response_complete:
            return
        if words := poke(running):
            self._transport.write(words)
        self._timer = self._later()


def poke(running: RequestResponseCycle) -> bytes | None:
    """What can be said before this answer goes on and means nothing; who is gone is found out by it."""
    if not running.response_started and running.scope["http_version"] == "1.1":
        return _HEAD
    if running.response_started and running.chunked_encoding and running.scope.get(SSE):
        return _CHUNK
    return None
