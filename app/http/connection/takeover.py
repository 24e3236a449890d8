"""A connection changes hands: from uvicorn to a protocol of somebody's who answers, and back.

This touches uvicorn's insides (pinned in pyproject.toml), so the rule is: whatever is not exactly as expected is left
alone, and the plain ASGI way serves it. A connection is taken only between two requests: what is still to come of this
one would be read as the next. Knows nothing of what is written meanwhile.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.http.connection import sockets
from app.http.connection.crowd import Seat
from app.http.connection.cycle import CYCLE
from app.http.connection.protocol import BoundedProtocol


class Taker(Protocol):
    """Who has a connection for the rest of an answer; also its transport's protocol.

    `next_protocol` makes what the connection goes on with; None where it closes after the answer. `seat`: of the
    connection, to be left where it is lost.
    """

    next_protocol: Callable[[], asyncio.Protocol] | None
    seat: Seat | None

    def pause_writing(self) -> None:
        """The transport is full."""


T = TypeVar("T", bound=Taker)


class TakenOverError(Exception):
    """Told to uvicorn's protocol in place of a lost connection."""


def can_take_over(scope: Any) -> bool:
    cycle = scope.get(CYCLE)
    if cycle is None or cycle.disconnected or cycle.more_body or cycle.transport.is_closing():
        return False
    protocol = cycle.transport.get_protocol()
    if type(protocol) is not BoundedProtocol or protocol.flow.write_paused:
        return False
    # What of another request has been read already, whole or in part, would be lost with the old protocol.
    return not protocol.pipeline and protocol.scope is cycle.scope


def take_over(scope: Any, taker_of: Callable[[asyncio.Transport, bool], T]) -> T:
    """Detaches the connection from uvicorn, once the head of the answer is written.

    `taker_of` makes the one who has it from then on, of the transport and whether the body goes out in chunks.
    """
    cycle: RequestResponseCycle = scope.pop(CYCLE)
    transport: Any = cycle.transport
    old: Any = transport.get_protocol()
    taker = taker_of(transport, bool(cycle.chunked_encoding))
    seat, old.seat = old.seat, None
    taker.seat = seat
    if cycle.keep_alive and not sockets.half_closed(transport):
        parts = old.config, old.server_state, old.app_state
        taker.next_protocol = functools.partial(BoundedProtocol.again, seat, *parts)
    old.flow.resume_reading()  # which a body may have paused, and nobody else would hear the client leave
    transport.set_protocol(taker)
    if old.flow.write_paused:  # by the head, behind an answer that its client has not read: it will not be said again
        taker.pause_writing()
    # The old protocol forgets the connection without closing it, and its cycle ends without a word.
    old.connection_lost(TakenOverError())
    old._unset_keepalive_if_required()  # noqa: SLF001 - its timer would close our transport
    cycle.disconnected = True
    return taker


def give_back(transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
    """The answer is at its end: the connection goes on with `protocol`; what is buffered still goes out."""
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if transport.get_write_buffer_size() > sockets.TRANSPORT_BYTES:
        protocol.pause_writing()  # which its taker was told as long as it had the connection
