"""The hot path: a reader on its own transport, fed by writing shared bytes to it.

No task, no queue and no framework layer stands between a tail's piece and the socket; an idle reader is one small
protocol object. The law: `push_states.py` says who may write, each state has a turn of its own, and whoever comes back
in another turn writes nothing. So what reaches the socket is the log, once, in its order, and nothing follows once the
connection was given back. Knows of the server only what follows on its connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.faces.native.push_states import ENDS, SPEAKING, Event, PushState, after
from app.faces.native.view import beside, leave_block, reset_event
from app.fanout.audience import PING, Piece, Ping
from app.fanout.catchup import Begin, Lost, Reset, fetch
from app.fanout.hub import Hub
from app.fanout.parts import AnotherHistoryError, Place, next_part, place_at
from app.fanout.tail import Tail
from app.http.connection.crowd import Seat
from app.http.connection.sockets import is_secured
from app.http.connection.takeover import give_back
from app.stream.asides import Said
from app.stream.frames import Position
from app.stream.log import READ_BYTES
from app.stream.observing import tell
from app.stream.readback.restarts import END_LINE, ends
from app.watch.events import of_fronts
from app.watch.events.subjects import subject

LAST_CHUNK = b"0\r\n\r\n"
# What is read for a client that stopped: about what it takes until it stops again.
SLOW_READ_BYTES = 64 * 1024
# A client that says no more may have left altogether: writing to it twice, so far apart, finds out.
PROBE_SECONDS = 1.0


class PushReader(asyncio.Protocol):
    """One client. `left` is called once, when it reads no more. `next_protocol` makes what follows; None: it closes."""

    face = "native"
    __slots__ = (
        "_chunked",
        "_hub",
        "_in_ending",
        "_left",
        "_place",
        "_retry_ms",
        "_state",
        "_tail",
        "_task",
        "_told_all",
        "_transport",
        "_turn",
        "next_protocol",
        "resumed",
        "seat",
        "stream_id",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        hub: Hub,
        stream_id: str,
        position: Position,
        *,
        chunked: bool,
        resumed: bool = False,
        left: Callable[[], None] | None = None,
    ) -> None:
        self.stream_id = stream_id
        self.resumed = resumed
        self.next_protocol: Callable[[], asyncio.Protocol] | None = None
        self.seat: Seat | None = None
        self._place: Place = place_at(position)
        self._transport = transport
        self._hub = hub
        self._left = left
        self._chunked = chunked
        self._state = PushState.OPENING
        self._turn = 0
        self._told_all = self._in_ending = False  # the latter is of the frame that was given in part
        self._retry_ms: int | None = None
        self._tail: Tail | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def position(self) -> Position:
        """Where it stands; while live, where it began to be."""
        return self._place.position

    @position.setter
    def position(self, position: Position) -> None:
        self._place = place_at(position)

    @property
    def has_joined(self) -> bool:
        """Whether it needed the tail: not for what was given to it."""
        return self._tail is not None

    @property
    def state(self) -> PushState:
        return self._state

    async def begin(self, head: bytes = b"", data: bytes = b"", *, ended: bool = False) -> None:
        """Writes the opening and what was read with it, joins the tail and shows what is there.

        `ended`: the stream ends with `data`, so that a client who takes it needs no tail. Returns when the reader is
        live, behind or over.
        """
        if self._transport.is_closing():
            self._move(Event.CLOSED)
            return
        self._put(head)
        if self._state is PushState.OPENING and self._send(data) and ended:  # or it is full of what stood before
            self.finish()
            return
        del data  # which the request would hold for as long as the stream opens
        self._tail = self._hub.join(self.stream_id, self)
        if self._state is PushState.OPENING:
            await self._run(self._tail, READ_BYTES)

    # --- the tail's side

    def feed(self, piece: Piece) -> None:
        # Between a reset and `connection_lost` the transport is closed, and uvloop's raises.
        if piece.large:
            self._take_apart(piece)
        elif not self._transport.is_closing():
            self._transport.write(piece.chunk if self._chunked else piece.data)

    def aside(self, said: Said | Ping) -> None:
        if self._state in SPEAKING and not self._place.inside and not self._over:
            self._put(beside(said))

    def go_on(self) -> None:
        self._start(Event.SHOWN, READ_BYTES)

    def reset(self, reason: str, attempt: int, position: Position) -> None:
        self.position = position
        self._told_all = False
        self._put(reset_event(reason, attempt))

    def lost(self) -> None:
        self._put(reset_event("lost", 0))
        self._close()

    def leave(self, retry_ms: int) -> None:
        """Ends here, or after the frame that the client was given in part."""
        if self._place.inside:
            self._retry_ms = retry_ms
        elif self._state not in ENDS:
            self._close(b"" if self._over else leave_block(retry_ms))

    def finish(self) -> None:
        """Ends the body cleanly and gives the connection back; what is buffered still goes out."""
        if self.next_protocol is None or self._transport.is_closing():
            self._close()
        elif self._move(Event.FINISHED):
            # `connection: close` would be simpler, but under it Node's fetch takes a cut body for a whole one.
            if self._chunked:
                self._transport.write(LAST_CHUNK)
            give_back(self._transport, self.next_protocol())
            self._hub.leave(self.stream_id, self)

    # --- the transport's side

    def pause_writing(self) -> None:
        if self._state is PushState.LIVE and self._tail is not None and self._tail.fall_behind(self):
            self._told_all = self._tail.told_all
        self._move(Event.PAUSED)

    def resume_writing(self) -> None:
        self._start(Event.RESUMED, SLOW_READ_BYTES)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - that it came is what matters
        """A client that sends while it reads is not listened to: the connection closes after the stream."""
        self.next_protocol = None

    def eof_received(self) -> bool:
        """A client may close its own half and read on. Most have left altogether, which only writing tells."""
        self.next_protocol = None
        self.aside(PING)
        asyncio.get_running_loop().call_later(PROBE_SECONDS, self.aside, PING)
        return not is_secured(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it went makes no difference
        self._move(Event.CLOSED)
        if self.seat is not None:
            self.seat.leave()
        if self._task is not None:
            self._task.cancel()
        self._hub.leave(self.stream_id, self)

    @property
    def _over(self) -> bool:
        """Whether the ending was said. Nothing follows it, also while the log is asked whether that is what it is."""
        return self._told_all or (self._state is PushState.LIVE and self._tail is not None and self._tail.told_all)

    # --- the way from one state to the next

    def _move(self, event: Event) -> bool:
        """The only place that changes the state. Whether `event` does; each change begins a new turn."""
        state = after(self._state, event)
        if state is None:
            return False
        self._state = state
        self._turn += 1
        if state in ENDS and self._left is not None:
            self._left()
        return True

    def _take_apart(self, piece: Piece) -> None:
        if self._tail is not None and piece.start is not None and self._tail.fall_behind(self):
            self.position = piece.start
            self._start(Event.LARGE, READ_BYTES)

    def _start(self, event: Event, limit: int) -> None:
        if self._move(event) and self._tail is not None:
            self._task = asyncio.create_task(self._run(self._tail, limit), name="catch-up")

    async def _run(self, tail: Tail, limit: int) -> None:
        """Shows what stands between the reader and the tail's end, for as long as it is this one's turn."""
        turn = self._turn
        try:
            await self._hub.opened(self.stream_id)
            if self._turn == turn:
                self._move(Event.OPENED)
                await self._catch_up(tail, limit)
        except AnotherHistoryError:
            self._transport.abort()  # in the middle of a frame: its client comes back, and is told what is to be told
        except Exception as error:  # noqa: BLE001 - a reader's fault is its own, and its client can come back
            tell(of_fronts.ReaderFailed(subject(self.stream_id), type(error).__name__))
            self._transport.abort()

    async def _catch_up(self, tail: Tail, limit: int) -> None:
        turn = self._turn
        while self._turn == turn and not self._arrived(tail):
            step = await fetch(tail, self._place, limit)
            if self._turn != turn:
                return
            match step:
                case bytes():
                    if self._send(step):
                        limit = READ_BYTES
                case Begin():
                    self.position = step.position
                case Reset(reason, attempt, position):
                    self.reset(reason, attempt, position)
                case Lost() if self._place.inside:
                    raise AnotherHistoryError
                case Lost():
                    self.lost()

    def _arrived(self, tail: Tail) -> bool:
        """Ends what is to end here, or goes live; whether it did."""
        if self._place.inside:
            return False
        if self._retry_ms is not None:
            self.leave(self._retry_ms)
        elif tail.ended and self.position == tail.splice.end:
            self.finish()
        elif tail.go_live(self):
            self._move(Event.REACHED)
        else:
            return False
        return True

    # --- writing

    def _send(self, data: bytes) -> bool:
        """Writes bytes of the log, part by part, until the transport is full. Whether it never was."""
        turn, at = self._turn, 0
        while (found := next_part(data, at, self._place)) is not None:
            start, begun = at, self._place.inside
            at, self._place = found
            if self._place.inside and not begun:
                self._in_ending = data.startswith(END_LINE, start)
            self._told_all = at == len(data) and (self._in_ending if begun else ends(data)) and not self._place.inside
            self._put(data[start:at])
            if self._turn != turn or self._transport.is_closing():
                return False
            if self._retry_ms is not None and not self._place.inside:
                return False
        return True

    def _put(self, data: bytes) -> None:
        if data and self._state not in ENDS and not self._transport.is_closing():
            self._hub.sent.bytes += len(data)
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def _close(self, last: bytes = b"") -> None:
        """Says the last words and closes; what is buffered still goes out."""
        self._put(last)
        if self._move(Event.CLOSED) and not self._transport.is_closing():
            if self._chunked:
                self._transport.write(LAST_CHUNK)
            self._transport.close()
