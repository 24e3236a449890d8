"""What a connection does beside requests and answers: writes a head again, asks who is there, lets others go first.

The rule: each of these is small and knows its uvicorn; `app.http.connection.protocol` says when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.http.connection import bounds
from app.http.origins import SSE

_POKE_CHUNK = b"8\r\n: ping\n\n\r\n"
_POKE_HEAD = b"HTTP/1.1 102 Processing\r\n\r\n"


def without_offer(method: bytes, url: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A request's head again, without the upgrade that it offers."""
    lines = [b"%b: %b\r\n" % field for field in fields if field[0] != b"upgrade"]
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, url, b"".join(lines))


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
        return _POKE_HEAD
    if running.response_started and running.chunked_encoding and running.scope.get(SSE):
        return _POKE_CHUNK
    return None


def let_others(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, flow: FlowControl) -> None:
    """Reads on at the loop's next turn: by itself it reads on from who sends fast, up to 8 MiB."""
    if transport.is_closing() or flow.read_paused:
        return
    transport.pause_reading()

    def read_on() -> None:
        if not flow.read_paused and not transport.is_closing():
            transport.resume_reading()

    loop.call_soon(read_on)
