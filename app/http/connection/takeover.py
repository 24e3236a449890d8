"""A connection changes hands: from uvicorn to a reader (`push.py`), and back.

This touches uvicorn's insides (pinned in pyproject.toml), so the rule is: whatever is not exactly as expected is left
alone, and the plain ASGI way in `sse.py` serves it. A connection is taken only between two requests: what is still to
come of this one would be read as the next.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.faces.native.push import PushReader
from app.fanout.hub import Hub
from app.http.connection.sockets import half_closed
from app.http.server import BoundedProtocol
from app.stream.frames import Position

CYCLE = "keepstream.cycle"


class TakenOverError(Exception):
    """Told to uvicorn's protocol in place of a lost connection."""


def mark(scope: dict[str, Any], send: Any) -> None:
    """Remembers uvicorn's cycle behind `send`; to be called before any middleware wraps it."""
    cycle = getattr(send, "__self__", None)
    if type(cycle) is RequestResponseCycle:
        scope[CYCLE] = cycle


def can_take_over(scope: Any) -> bool:
    cycle = scope.get(CYCLE)
    if cycle is None or cycle.disconnected or cycle.more_body or cycle.transport.is_closing():
        return False
    protocol = cycle.transport.get_protocol()
    if type(protocol) is not BoundedProtocol or protocol.flow.write_paused:
        return False
    # What of another request has been read already, whole or in part, would be lost with the old protocol.
    return not protocol.pipeline and protocol.scope is cycle.scope


class Unchunked:
    """HTTP/1.0, which some proxies still speak, knows no chunks, and uvicorn would send them.

    Shown each message of an answer before uvicorn is, it lets a body without a length end with its connection.
    """

    def __init__(self, scope: Any) -> None:
        self._cycle = scope.get(CYCLE)
        self._whole = scope["method"] != "HEAD"
        self._applies = False

    def before(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", ())}
            self._applies = self._cycle is not None and b"content-length" not in names
            if self._applies:
                self._cycle.chunked_encoding = False
        elif self._applies and self._whole:
            self._cycle.expected_content_length = len(message.get("body", b""))


def take_over(scope: Any, hub: Hub, stream_id: str, position: Position) -> PushReader:
    """Detaches the connection from uvicorn, once the head of the answer is written."""
    cycle: RequestResponseCycle = scope.pop(CYCLE)
    transport = cycle.transport
    old: Any = transport.get_protocol()
    reader = PushReader(transport, hub, stream_id, position, chunked=bool(cycle.chunked_encoding))
    if cycle.keep_alive and not half_closed(transport):
        reader.next_protocol = functools.partial(BoundedProtocol.again, old.config, old.server_state, old.app_state)
    old.flow.resume_reading()  # which a body may have paused, and nobody else would hear the client leave
    transport.set_protocol(reader)
    if old.flow.write_paused:  # by the head, behind an answer that its client has not read: it will not be said again
        reader.pause_writing()
    # The old protocol forgets the connection without closing it, and its cycle ends without a word.
    old.connection_lost(TakenOverError())
    old._unset_keepalive_if_required()  # noqa: SLF001 - its timer would close our transport
    cycle.disconnected = True
    return reader


async def break_off(scope: Any, disconnected: asyncio.Task[None]) -> None:
    """Ends an answer under way as broken, so that no client takes it for a whole one; `disconnected` ends when it is.

    Without uvicorn's own connection at hand the server does it: an application that just returns has failed.
    """
    cycle = scope.get(CYCLE)
    if cycle is not None:
        cycle.transport.close()
        await disconnected
