"""A connection of a client, as uvicorn's own protocol with bounds on time and bytes (the table of
`app.http.connection.bounds`).

The rule: there is one writer. What is refused is answered in its turn, after the answers that are under way, and after
it nothing is read as a request any more. An upgrade that we do not take is ignored, as RFC 9110 has it; a client that
has closed its side after its request is answered.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.http.connection import bounds
from app.http.connection.bounds import Part, Phase
from app.http.connection.crowd import ONE_TOO_MANY, Seat
from app.http.connection.cycle import CLOSES
from app.http.connection.deadline import Deadline
from app.http.connection.incoming import let_others, without_offer
from app.http.connection.poke import Poker
from app.http.connection.sockets import bound, is_secured
from app.http.errors import new_request_id, refusal, type_of
from app.http.origins import share
from app.stream.observing import tell
from app.watch.events.of_fronts import RequestServed
from app.watch.events.subjects import Subject


class _RefusedError(Exception):
    """Told through the parser: what came is no request that we take."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Its state: the part that the bytes are in, the newest cycle (uvicorn's), and the time it has."""

    _part = Part.BETWEEN
    _fresh = True
    _begun = 0  # messages
    _around = 0  # bytes of this message that are none of its body, as far as they are known
    _head = 0  # those of them that are fields
    _rest = 0  # bytes of a body that nobody reads
    _chunks = 0  # of what was read last
    _fed = False
    _upgrading = False
    _refusal: tuple[int, str] | None = None
    _refused = False
    _last_words: bytes | None = None
    _running: RequestResponseCycle | None = None
    _phase: Phase | None = None
    _poker: Poker | None = None  # of a client that has closed its half
    seat: Seat | None = None  # of the connection, for as long as it is here

    @classmethod
    def again(cls, seat: Seat | None, *parts: Any) -> BoundedProtocol:
        """For a connection on which an answer has ended that was not this protocol's: the client may ask again."""
        made = cls(*parts)
        made._fresh = False
        made.seat = seat
        return made

    # --- the transport's side

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._deadline = Deadline(self.loop, self._on_time)
        self.seat = self.seat or self.config.crowd.come()  # type: ignore[attr-defined]  # of our own Config
        if self.seat is None:
            transport.abort()
            return
        bound(transport)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.seat is not None:
            self.seat.leave()
        self._deadline.cancel()
        if self._poker is not None:
            self._poker.cancel()
        running = self._running
        if running is not None and not running.response_complete:  # uvicorn tells the newest alone
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._rest += len(data)
            if self._rest > bounds.LINGER_BYTES:
                self.transport.close()
            return
        self._around += len(data)
        self._chunks = 0
        self._fed = False
        begun = self._begun
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(*(self._refusal or (400, "this is not a valid HTTP request")))
            return
        if self._part is Part.BETWEEN and self._begun == begun:
            self._fresh = True  # a stray line end, say
        self._around = max(self._around, 0)
        if self._around > bounds.AROUND_BYTES:
            self._refuse(*self._too_large())
        elif self._rest > bounds.REST_BYTES:
            self.transport.close()
        else:
            self._look()
            if self._chunks > bounds.CHUNKS_A_TURN:
                let_others(self.loop, self.transport, self.flow)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's says nothing, which closes
        """Whether the connection stays: for the answers to what was asked in full."""
        if self._refused or is_secured(self.transport):
            return False
        if self._part is Part.BODY:
            self._drop_newest()
        if not self._answering():
            return False
        self.cycle.keep_alive = False
        self._poker = self._poker or Poker(self.loop, self.transport, lambda: self._running)
        return True

    def shutdown(self) -> None:
        if self._refused:
            self.transport.close()
        else:
            super().shutdown()

    # --- the parser's side

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # The parser would stop here. The same head without the offer is a request like any other.
                data = data[upgrade.args[0] :]
                head = without_offer(self.parser.get_method(), self.url, self.headers)
                self._upgrading = False
                self.parser = httptools.HttpRequestParser(self)
                self.parser.feed_data(head)
            else:
                return

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.seat is not None and self.seat.surplus:
            self.scope[ONE_TOO_MANY] = True  # type: ignore[literal-required]  # an extension of ours
        self._part = Part.HEAD
        self._fresh = True
        self._begun += 1
        self._head = self._rest = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if self._part is Part.HEAD:  # trailers are nobody's
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise self._no(400, "this is no proxy")
            self._upgrading = True
            return
        if len(self.pipeline) >= bounds.PIPELINED_MAX:
            raise self._no(400, "too many requests at once on this connection")
        super().on_headers_complete()
        self._part = Part.BODY

    def on_chunk_header(self) -> None:
        self._around -= bounds.CHUNK_BYTES
        self._chunks += 1

    def on_body(self, body: bytes) -> None:
        self._around -= len(body)
        self._fed = True
        if self.cycle.response_complete:
            self._rest += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        super().on_message_complete()
        self._part = Part.BETWEEN
        self._fresh = False
        self._around = 0

    def _count(self, size: int) -> None:
        """Refuses before anybody acts on a request whose head or trailers are too large, however they came."""
        self._head += size
        if self._head > bounds.AROUND_BYTES:
            raise self._no(*self._too_large())

    def _too_large(self) -> tuple[int, str]:
        if self._part is Part.BODY:
            return 431, f"what stands around the body is larger than {bounds.AROUND_BYTES} bytes"
        return 431, f"the head is larger than {bounds.AROUND_BYTES} bytes"

    def _no(self, status: int, message: str) -> _RefusedError:
        self._refusal = (status, message)
        return _RefusedError(message)

    # --- answers

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._last_words is not None:
            self._say_last()
            return
        elif self._poker is not None:
            self.transport.close()
            return
        if not self._refused:
            self.flow.resume_reading()
            self._look()

    def _refuse(self, status: int, message: str) -> None:
        """The last thing that is said on this connection: in its turn, and only to what has no answer yet."""
        self._refused = True
        self._rest = 0
        self._deadline.set(None)
        if self._part is Part.BODY and not self._drop_newest():
            self.transport.close()
            return
        fields = [*self.server_state.default_headers, *share(self.config.origins, self.headers or ())]  # type: ignore[attr-defined]  # of our own Config
        request_id = new_request_id()
        tell(RequestServed(Subject(request_id=request_id), "", "", status, 0.0, type_of(status)))
        self._last_words = refusal(status, message, fields, request_id)
        if not self._answering():
            self._say_last()

    def _answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _drop_newest(self) -> bool:
        """Takes back a request whose message is not whole; False if an answer to it has begun."""
        newest = self.cycle
        if self.pipeline and self.pipeline[0][0] is newest:
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self._running  # type: ignore[assignment]  # one runs
            return True
        begun = bool(newest.response_started)
        if not newest.response_complete:
            newest.disconnected = True
            newest.message_event.set()
            self._running = None
        return not begun

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _say_last(self) -> None:
        self.transport.write(self._last_words or b"")
        self._last_words = None
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        # Closed at once, what the client still sends would take the words from it.
        self.transport.write_eof()
        self.flow.resume_reading()
        self._deadline.set(bounds.LINGER_SECONDS)

    # --- time

    def _look(self) -> None:
        """To be called whenever something has happened."""
        phase = bounds.phase(self._part, answering=self._answering(), queued=bool(self.pipeline), fresh=self._fresh)
        if phase is Phase.NEXT and self.scope and CLOSES in self.scope:
            self.transport.close()
        if phase is not self._phase or (phase is Phase.BODY and self._fed):
            self._phase = phase
            self._deadline.set(bounds.seconds(phase))

    def _on_time(self) -> None:
        if self.transport.is_closing():
            return
        if self._phase is not Phase.BODY or self._refused:
            self.transport.close()
        elif self.flow.read_paused:
            self._deadline.set(bounds.BODY_SECONDS)  # it is not the client who is silent
        else:
            self._refuse(408, "the body did not arrive in time")
