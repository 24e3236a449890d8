"""What a connection does with what comes in: an upgrade that is offered is left out, and others are let go first.

The rule: each of these is small and knows its uvicorn; `app.http.connection.protocol` says when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.flow_control import FlowControl


def without_offer(method: bytes, url: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A request's head again, without the upgrade that it offers."""
    lines = [b"%b: %b\r\n" % field for field in fields if field[0] != b"upgrade"]
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, url, b"".join(lines))


def let_others(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, flow: FlowControl) -> None:
    """Reads on at the loop's next turn: by itself it reads on from who sends fast, up to 8 MiB."""
    if transport.is_closing() or flow.read_paused:
        return
    transport.pause_reading()

    def read_on() -> None:
        if not flow.read_paused and not transport.is_closing():
            transport.resume_reading()

    loop.call_soon(read_on)
