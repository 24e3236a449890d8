"""The hot path: a reader's connection is taken over from uvicorn, and fed by writing shared bytes to its transport.

No task, no queue and no framework layer stands between a tail's piece and the socket; an idle reader is one small
protocol object. This touches uvicorn's insides (pinned in pyproject.toml), so the rule is: whatever is not exactly as
expected is left alone, and the plain ASGI way in `sse.py` serves it.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.audience import Piece
from app.hub import Hub
from app.readers import Data, Lost, Reset, catch_up
from app.server import BoundedProtocol
from app.stream.frames import Position, unlogged
from app.tail import Tail

# What a client that does not read may hold of ours: this in the transport, and this (doubled by Linux) in the kernel,
# which would otherwise grow its buffer to 4 MiB.
TRANSPORT_BYTES = 64 * 1024
KERNEL_BYTES = 64 * 1024
# A peer that acknowledges nothing for so long is gone (a phone out of reach); it comes back with its last id.
UNACKNOWLEDGED_MS = 90_000

CYCLE = "keepstream.cycle"
LAST_CHUNK = b"0\r\n\r\n"


class TakenOverError(Exception):
    """Told to uvicorn's protocol in place of a lost connection."""


def mark(scope: dict[str, Any], send: Any) -> None:
    """Remembers uvicorn's cycle behind `send`; to be called before any middleware wraps it."""
    cycle = getattr(send, "__self__", None)
    if type(cycle) is RequestResponseCycle:
        scope[CYCLE] = cycle


def can_take_over(scope: Any) -> bool:
    cycle = scope.get(CYCLE)
    if cycle is None or cycle.disconnected or cycle.transport.is_closing():
        return False
    protocol = cycle.transport.get_protocol()
    # A pipelined request behind this one would be lost with the old protocol.
    return type(protocol) is BoundedProtocol and not protocol.pipeline


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
    if cycle.keep_alive:
        reader.server = (old.config, old.server_state, old.app_state)
    transport.set_protocol(reader)
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


class PushReader(asyncio.Protocol):
    """One client on its own transport. Live, or catching up in a task of its own until it is live again."""

    __slots__ = (
        "_busy",
        "_catching_up",
        "_chunked",
        "_done",
        "_hub",
        "_paused",
        "_tail",
        "_transport",
        "position",
        "server",
        "stream_id",
    )

    def __init__(
        self, transport: asyncio.Transport, hub: Hub, stream_id: str, position: Position, *, chunked: bool
    ) -> None:
        self.position = position
        self.stream_id = stream_id
        # What uvicorn's next protocol on this connection is made of; None where it closes after the stream.
        self.server: tuple[Any, Any, Any] | None = None
        self._transport = transport
        self._hub = hub
        self._chunked = chunked
        self._paused = False
        self._done = False
        self._busy = False
        self._tail: Tail | None = None
        self._catching_up: asyncio.Task[None] | None = None
        transport.set_write_buffer_limits(high=TRANSPORT_BYTES)
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)

    async def begin(self) -> None:
        """Joins the tail and shows what is there. Returns when the reader is live, paused or over."""
        if self._transport.is_closing():
            return
        self._tail = self._hub.join(self.stream_id, self)
        await self._hub.opened(self.stream_id)
        if self._done or self._transport.is_closing():
            self._hub.leave(self.stream_id, self)
        else:
            await self._catch_up(self._tail)

    def write(self, data: bytes) -> None:
        """Bytes for this reader alone."""
        if data and not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    # --- the tail's side

    def feed(self, piece: Piece) -> None:
        # Between a reset and `connection_lost` the transport is closed, and uvloop's raises.
        if not self._transport.is_closing():
            self._transport.write(piece.chunk if self._chunked else piece.data)

    def aside(self, piece: Piece) -> None:
        if not self._paused and not self._done:
            self.feed(piece)

    def reset(self, reason: str, attempt: int, position: Position) -> None:
        self.write(reset_event(reason, attempt))
        self.position = position

    def lost(self) -> None:
        self.write(reset_event("lost", 0))
        self.finish()

    def leave(self, retry_ms: int) -> None:
        self.write(leave_block(retry_ms))
        self.server = None
        self.finish()

    def finish(self) -> None:
        """Ends the body cleanly and gives the connection back; what is buffered still goes out."""
        if self._done:
            return
        self._done = True
        if self._transport.is_closing():
            return
        if self._chunked:
            self._transport.write(LAST_CHUNK)
        if self.server is None:
            self._transport.close()
            return
        # `connection: close` would be simpler, but under it Node's fetch takes a cut body for a whole one.
        config, server_state, app_state = self.server
        protocol = BoundedProtocol(config=config, server_state=server_state, app_state=app_state)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        self._hub.leave(self.stream_id, self)

    # --- the transport's side

    def pause_writing(self) -> None:
        self._paused = True
        if self._tail is not None:
            self._tail.fall_behind(self)

    def resume_writing(self) -> None:
        self._paused = False
        if self._tail is not None and not self._done and not self._busy:
            self._catching_up = asyncio.create_task(self._catch_up(self._tail), name="catch-up")

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - that it came is what matters
        """A client that sends while it reads is not listened to: the connection closes after the stream."""
        self.server = None

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it went makes no difference
        self._done = True
        if self._catching_up is not None:
            self._catching_up.cancel()
        self._hub.leave(self.stream_id, self)

    async def _catch_up(self, tail: Tail) -> None:
        self._busy = True
        try:
            # A paused reader stops here; `resume_writing` goes on.
            while not (self._done or self._paused):
                if tail.ended and self.position == tail.splice.end:
                    self.finish()
                elif tail.go_live(self):
                    break
                else:
                    await self._one_round(tail)
        finally:
            self._busy = False
            self._catching_up = None

    async def _one_round(self, tail: Tail) -> None:
        async for step in catch_up(tail, self.position):
            if self._done:
                return
            match step:
                case Data(data, position):
                    self.write(data)
                    self.position = position
                case Reset(reason, attempt, position):
                    self.reset(reason, attempt, position)
                case Lost():
                    self.lost()
            if self._paused:
                return


def reset_event(reason: str, attempt: int) -> bytes:
    return unlogged("relay.reset", {"attempt": attempt, "reason": reason})


def leave_block(retry_ms: int) -> bytes:
    """What a reader is left with that is to come back: when, and a comment; one block, no blank line between."""
    return b"retry: %d\n: come back\n\n" % retry_ms
