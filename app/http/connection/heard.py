"""Whether a client has heard the end of an answer: asked of its connection, for nobody else can know.

The rule: it has where it asks again on the same connection, or closes it after its kernel has acknowledged all of it
(who closes with something unread resets). A connection that is reset, let go or simply stays says nothing, nor does one
of a proxy: it heard the answer, and asks for others on the same connection. Like
`takeover` this stands between a transport and uvicorn's protocol, and what is not as expected is left alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable
from typing import Any

from app.access.addresses import is_passed_on
from app.http.connection.cycle import CYCLE


class _Listening(asyncio.Protocol):
    """In the place of a protocol between two requests, until it is known."""

    def __init__(self, transport: asyncio.Transport, inner: Any, heard: Callable[[], None]) -> None:
        self._transport = transport
        self._inner = inner
        self._heard: Callable[[], None] | None = heard

    def data_received(self, data: bytes) -> None:
        self._step_aside(heard=True)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        self._step_aside(heard=_all_acknowledged(self._transport))
        keeps: bool | None = self._inner.eof_received()
        return keeps

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def _step_aside(self, *, heard: bool) -> None:
        self._transport.set_protocol(self._inner)
        if heard and self._heard is not None:
            self._heard()
        self._heard = None


def when_heard(scope: Any, heard: Callable[[], None]) -> None:
    """Calls `heard` once the client of this answer, which has been written to its end, is known to have all of it."""
    cycle = scope.get(CYCLE)
    if cycle is None or is_passed_on(scope) or not cycle.response_complete or cycle.transport.is_closing():
        return
    transport: Any = cycle.transport
    protocol = transport.get_protocol()
    if getattr(protocol, "cycle", None) is cycle and not protocol.pipeline:
        transport.set_protocol(_Listening(transport, protocol, heard))


def _all_acknowledged(transport: asyncio.Transport) -> bool:
    """Whether the other side's kernel has every byte that was written."""
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_write_buffer_size():
        return False
    try:
        (waiting,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0)))
    except OSError:
        return False
    return bool(waiting == 0)
