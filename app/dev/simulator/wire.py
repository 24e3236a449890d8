"""HTTP/1.1 on a transport: bytes to requests, replies to bytes. Small, because a simulated peer must be cheap.

Its rule: a connection has one reply under way; further requests wait their turn. A client that goes away while its
reply is under way is noticed at once, since reading never stops. Knows nothing of what is asked or answered.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from http import HTTPStatus
from time import monotonic
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

import httptools

from app.dev.simulator.api import Api
from app.dev.simulator.calls import Call
from app.dev.simulator.faults import Ending
from app.dev.simulator.player import Player, Wheel, reset
from app.dev.simulator.replaying.replay import Replay
from app.dev.simulator.reply import Headers, Nothing, Pace, Reply, Request, Stream, Whole
from app.dev.simulator.rules.buckets import Rates

MAX_BODY_BYTES = 32 * 1024 * 1024  # the API's own limit
MAX_HEAD_BYTES = 64 * 1024  # more than any client sends; a stream of endless headers ends here
MAX_WAITING = 16  # pipelined requests; no client in use sends more than one


class Connection(asyncio.Protocol):
    def __init__(self, api: Api, wheel: Wheel, connections: set["Connection"]) -> None:
        self._api, self._wheel, self._connections = api, wheel, connections
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool, bool]] = deque()
        self._busy = self._keep_alive = False
        self._call: Call | None = None
        self._player: Player | None = None
        self._forget()

    # What the transport says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from asyncio's
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)
        self._waiting.clear()
        if self._player is not None:
            self._player.stop()
        if self._call is not None:
            self._call.left()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # a mistake of ours: the loop reports it and closes
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse()

    def pause_writing(self) -> None:
        if self._player is not None:
            self._player.pause()

    def resume_writing(self) -> None:
        if self._player is not None:
            self._player.resume()

    def abort(self) -> None:
        self._transport.abort()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES and not self._transport.is_closing():
            self._refuse()

    def _refuse(self) -> None:
        """What came is not HTTP that we serve. There is no telling where a next request would begin."""
        self._transport.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self._transport.close()

    # What the parser finds.

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and not self._busy:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if len(self._body) + len(body) > MAX_BODY_BYTES:
            # The rest is read and dropped: closing on a client that still sends would hide the answer from it.
            self._too_large = True
            self._body.clear()
        if not self._too_large:
            self._body += body

    def on_message_complete(self) -> None:
        if self._transport.is_closing():
            return
        try:
            parts = urlsplit(self._url.decode("latin-1"))
        except ValueError:
            self._refuse()
            return
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=self._headers,
            body=bytes(self._body),
            too_large=self._too_large,
        )
        self._waiting.append((request, self._parser.should_keep_alive(), self._parser.get_http_version() == "1.1"))
        self._forget()
        if len(self._waiting) > MAX_WAITING:
            self._transport.abort()
        elif not self._busy:
            self._next()

    # What is answered.

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if self._waiting:
            request, self._keep_alive, chunked = self._waiting.popleft()
            self._answer(self._api.reply(request), head_only=request.method == "HEAD", chunked=chunked)

    def _answer(self, reply: Reply, *, head_only: bool, chunked: bool) -> None:
        self._call = reply.call

        def act() -> None:
            if self._transport.is_closing():
                return
            match reply:
                case Whole():
                    self._write_whole(reply, head_only=head_only)
                case Stream():
                    self._write_stream(reply, chunked=chunked)
                case Nothing(ending=ending):
                    self._hang_up(ending)

        if reply.delay:
            self._wheel.at(monotonic() + reply.delay, act)
        else:
            act()

    def _write_whole(self, reply: Whole, *, head_only: bool) -> None:
        head = self._head(reply.status, [*reply.headers, ("content-length", str(len(reply.body)))])
        self._transport.write(head if head_only else head + reply.body)
        self._finish()

    def _write_stream(self, reply: Stream, *, chunked: bool) -> None:
        self._keep_alive = self._keep_alive and chunked
        framing = [("transfer-encoding", "chunked")] if chunked else []
        self._transport.write(self._head(200, [*reply.headers, *framing]))
        self._player = Player(self._transport, reply, self._wheel, self._finish, chunked=chunked)
        self._player.begin()

    def _hang_up(self, ending: Ending) -> None:
        if ending is Ending.STALL:
            return
        self._end_call()
        if ending is Ending.RESET:
            reset(self._transport)
        else:
            self._transport.close()

    def _head(self, status: int, headers: Headers) -> bytes:
        lines = [
            f"HTTP/1.1 {status} {_reason(status)}",
            f"date: {formatdate(usegmt=True)}",
            *(f"{name}: {value}" for name, value in headers),
            f"connection: {'keep-alive' if self._keep_alive else 'close'}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _finish(self) -> None:
        self._end_call()
        self._player = None
        if not self._keep_alive:
            self._transport.close()
        else:
            # Not from here: a line of pipelined requests would become a tower of calls.
            asyncio.get_running_loop().call_soon(self._next)

    def _end_call(self) -> None:
        if self._call is not None:
            self._call.finished()
            self._call = None

    def _forget(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._body = bytearray()
        self._too_large = False


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "Overloaded"


@asynccontextmanager
async def serving(
    host: str = "127.0.0.1",
    port: int = 0,
    pace: Pace | None = None,
    rates: Rates | None = None,
    replay: Replay | None = None,
) -> AsyncIterator[str]:
    """Serves until the block is left; gives the base URL. Port 0 takes a free one. Leaving drops open streams."""
    loop = asyncio.get_running_loop()
    api, wheel, connections = Api(pace or Pace(), rates, replay), Wheel(loop), set[Connection]()
    server = await loop.create_server(lambda: Connection(api, wheel, connections), host, port, backlog=4096)
    try:
        at, bound = server.sockets[0].getsockname()[:2]
        yield f"http://[{at}]:{bound}" if ":" in at else f"http://{at}:{bound}"
    finally:
        server.close()
        wheel.stop()
        for connection in list(connections):
            connection.abort()
        await server.wait_closed()
