"""A stranger's connection, without a socket: asked for the same however it is cut, and never more held than its bounds.

The first byte says when the application gets its turn: once all has come, where cuts must not matter, or after each
piece.
"""

from __future__ import annotations

import asyncio
import atexit
import re
from dataclasses import dataclass, field
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.http.connection import bounds
from app.http.connection.protocol import BoundedProtocol
from app.http.connection.server import server
from tests.fuzz.pieces import pieces_of

# Few enough for an input of some hundred bytes to go beyond.
FEW_BYTES = 200
FEW_REQUESTS = 3
_LOOP = asyncio.new_event_loop()
atexit.register(_LOOP.close)
_VARYING = re.compile(rb"req_[0-9a-f]{24}|\r\ndate: [^\r]*")


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.closed = self.ended = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        assert not self.ended, "something follows the last words"
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Whoever feeds does not ask."""

    resume_reading = pause_reading


@dataclass
class Application:
    """Notes what it is asked, and answers with nothing."""

    asked: list[tuple[str, bytes, list[tuple[bytes, bytes]], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.asked.append((scope["method"], scope["raw_path"], list(scope["headers"]), body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


_CONFIG = server(Application()).config
_CONFIG.load()


def check(data: bytes) -> None:
    pieces = pieces_of(data[1:])
    around, pipelined = bounds.AROUND_BYTES, bounds.PIPELINED_MAX
    bounds.AROUND_BYTES, bounds.PIPELINED_MAX = FEW_BYTES, FEW_REQUESTS
    try:
        if data[:1] < b"\x80":
            heard(pieces, turns=True)
        else:
            whole, cut = heard([b"".join(pieces)], turns=False), heard(pieces, turns=False)
            both = min(len(whole[0]), len(cut[0]))
            assert whole[0][:both] == cut[0][:both]
            assert len(whole[0]) == len(cut[0]) or REFUSED in whole[1] + cut[1]
            if is_whole(b"".join(pieces)):
                assert whole[0] or REFUSED in whole[1], "a request is passed over in silence"
    finally:
        bounds.AROUND_BYTES, bounds.PIPELINED_MAX = around, pipelined


def is_whole(data: bytes) -> bool:
    """Whether it begins with a request, to its end, for a parser that is none of ours."""
    connection = h11.Connection(h11.SERVER)
    try:
        connection.receive_data(data)
        event = connection.next_event()
        while isinstance(event, h11.Request | h11.Data):
            event = connection.next_event()
    except h11.RemoteProtocolError:
        return False
    return isinstance(event, h11.EndOfMessage)


REFUSED = b"HTTP/1.1 4"
Heard = tuple[list[tuple[str, bytes, list[tuple[bytes, bytes]], bytes]], bytes]


def heard(pieces: list[bytes], *, turns: bool) -> Heard:
    """What the application was asked, and what was written."""
    return _LOOP.run_until_complete(_heard(pieces, turns=turns))


async def _heard(pieces: list[bytes], *, turns: bool) -> Heard:
    application, transport = Application(), Transport()
    _CONFIG.loaded_app = application
    protocol = BoundedProtocol(_CONFIG, ServerState(), {}, _LOOP)
    protocol.connection_made(transport)
    sent = 0
    for piece in pieces:
        if transport.closed:
            break
        protocol.data_received(piece)
        sent += len(piece)
        held = len(vars(protocol).get("url", b"")) + sum(
            len(name) + len(value) for name, value in protocol.headers or ()
        )
        assert held <= FEW_BYTES + len(piece)
        assert len(protocol.pipeline) <= FEW_REQUESTS
        has_begun = protocol.tasks or application.asked or REFUSED in transport.written
        assert has_begun or sent <= FEW_BYTES, "a head has no end"
        if turns:
            await _turn(protocol)
    await _turn(protocol)
    if not transport.closed and not protocol.eof_received():
        transport.close()
    await _turn(protocol)
    protocol.connection_lost(None)
    await _turn(protocol)
    assert not protocol.tasks, "a request goes on for nobody"
    assert sum(len(body) for *_, body in application.asked) <= sent
    assert all(
        len(path) + sum(len(name) + len(value) for name, value in headers) <= FEW_BYTES
        for _, path, headers, _ in application.asked
    )
    answers = re.findall(rb"HTTP/1\.1 (\d{3}) ", transport.written)
    assert answers.count(b"200") <= len(application.asked)
    assert all(status in (b"200", b"400", b"431", b"100") for status in answers)
    assert sum(status.startswith(b"4") for status in answers) <= 1
    return application.asked, _VARYING.sub(b"", transport.written)


async def _turn(protocol: Any) -> None:
    """Until all that can go on has."""
    for _ in range(6 + 4 * (len(protocol.pipeline) + len(protocol.tasks))):
        await asyncio.sleep(0)
