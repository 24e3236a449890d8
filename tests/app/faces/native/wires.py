"""What a reader stands between, in memory: a clock that jumps, a log that answers late, a transport that fills."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any, cast

from hypothesis import strategies as st

from app.faces.native.push import LAST_CHUNK, PushReader
from app.fanout.audience import Sent
from app.fanout.tail import Tail
from app.stream.asides import Queued
from app.stream.frames import PROOF_LENGTH, Position, origin, position_at_end
from app.stream.log import Read, State

STREAM = "st_machine"
HEAD = b": head\n\n"
PART = 160  # more than an ending takes
# Of the texts: most frames are small, some larger than a part.
SIZES = st.integers(0, 20) | st.integers(0, 20) | st.integers(PART, 3 * PART)
A_LONG_WORD = Queued(10**6)
A_LONG_WORD_SAID = b": " + b"p" * PART + b"\n\n"


class Quick(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to what is due next: hours pass at once, and the same each time."""

    def __init__(self) -> None:
        self._now = 0.0
        self._sockets = selectors.DefaultSelector()
        super().__init__(cast("Any", self))

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        self._now += timeout or 0.0
        return self._sockets.select(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sockets, name)


class MemoryLog:
    """A log as Redis holds it. What it answers was true when it was asked, and may arrive late."""

    def __init__(self) -> None:
        self.data = b""
        self.state = State.RUNNING
        self.base = 0
        self.attempt = 1
        self.quick = asyncio.Event()
        self.quick.set()

    async def read(self, _: str, after: Position | None, limit: int = 2 * PART, skip: int = 0) -> Read:
        answer = self._answer(after, limit, skip)
        await asyncio.sleep(0)
        await self.quick.wait()
        return answer

    def _answer(self, after: Position | None, limit: int, skip: int) -> Read:
        if self.state is State.UNKNOWN:
            return Read(State.UNKNOWN, "", proven=False, start=None, data=b"", length=0, base=0, attempt=0)
        proven = after is not None and (
            after == origin(STREAM) or self.data[max(0, after.offset - PROOF_LENGTH) : after.offset] == after.proof
        )
        start = after if proven else position_at_end(self.data[: self.base]) if self.base else origin(STREAM)
        assert start is not None
        first = start.offset + (skip if proven else 0)
        data = self.data[first : first + limit]
        return Read(self.state, "me", proven, start, data, len(self.data), self.base, self.attempt)


class Wire:
    """A transport as uvloop's: buffers, pauses at once, raises once it is closed. `client` is what its peer has."""

    def __init__(self) -> None:
        self.protocol: Any = None
        self.sent = b""
        self.buffered = self.most = 0
        self.given_back = self.closing = self.cut = self.paused = False

    def write(self, data: bytes) -> None:
        assert not self.given_back, "written to a connection that is another's"
        if self.closing:
            raise RuntimeError("unable to perform operation; the handler is closed")
        self.sent += data
        self.buffered += len(data)
        self.most = max(self.most, self.buffered)
        if self.buffered > PART and not self.paused:
            self.paused = True
            self.protocol.pause_writing()

    def take(self, count: int) -> None:
        """Its peer reads so many bytes."""
        self.buffered = max(0, self.buffered - count)
        if self.paused and self.buffered <= PART // 4:
            self.paused = False
            self.protocol.resume_writing()

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_event_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.cut = True
        self.close()

    def is_closing(self) -> bool:
        return self.closing

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol
        self.given_back = True

    def get_write_buffer_size(self) -> int:
        return self.buffered


class Next(asyncio.Protocol):
    """What the connection goes on with."""

    paused = False

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False


class OneTail:
    """A hub of one tail, which opens when it is told to."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.sent = Sent()
        self.open = asyncio.Event()

    def join(self, _: str, reader: PushReader) -> Tail:
        self.tail.audience.add(reader)
        return self.tail

    async def opened(self, _: str) -> None:
        await self.open.wait()

    def leave(self, _: str, reader: PushReader) -> None:
        self.tail.audience.remove(reader)


def dechunked(sent: bytes) -> tuple[bytes, bool]:
    """The body so far, and whether it has come to its clean end, after which nothing may follow."""
    body, at = b"", 0
    while at < len(sent):
        size, _, _ = sent[at:].partition(b"\r\n")
        start = at + len(size) + 2
        if size == b"0":
            assert sent[at:] == LAST_CHUNK
            return body, True
        body += sent[start : start + int(size, 16)]
        at = start + int(size, 16) + 2
    return body, False
