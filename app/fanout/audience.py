"""The readers of one tail, and how each is handed what is its own.

The law: whatever one reader does when it is called, the others get what is theirs, in order and once; who fails is sent
away, and comes back to the place that it had reached. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from app.stream.asides import Said
from app.stream.frames import Position
from app.stream.observing import tell
from app.watch.events import of_fronts
from app.watch.events.subjects import subject

# Those who are sent away come back between these, and not together.
COME_BACK_MS = (100, 1500)
# What live readers are handed at once, and a client that stops reading then holds.
PIECE_BYTES = 32 * 1024


class Piece:
    """Bytes on their way to all live readers, framed for HTTP/1.1 once instead of once a reader.

    What is larger than `PIECE_BYTES` is not, because a reader may stop in the middle of it: it is taken in parts, from
    `start` on, out of the window or the log.
    """

    __slots__ = ("chunk", "data", "large", "start")

    def __init__(self, data: bytes, start: Position | None = None) -> None:
        self.data = data
        self.start = start
        self.large = start is not None and len(data) > PIECE_BYTES
        self.chunk = b"" if self.large else b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True)
class Ping:
    """Nothing: the connection is there, and so are we."""


PING = Ping()


class Reader(Protocol):
    """What a tail asks of a reader. Called on the loop; none of these may block or raise.

    `face` is the way of reading, in a word; `resumed`: its client came with a place.
    """

    face: str
    resumed: bool
    position: Position

    def feed(self, piece: Piece) -> None:
        """The next bytes, while live."""

    def go_on(self) -> None:
        """It stood at the end of what nobody was shown, and that is shown now: catch up from its own place."""

    def reset(self, reason: str, attempt: int, position: Position) -> None:
        """What was shown is void: go on from `position`, the start of the newest attempt."""

    def aside(self, said: Said | Ping) -> None:
        """Something to show between frames, that is not of the log. Who is in the middle of one may forget it."""

    def lost(self) -> None:
        """Redis has lost the stream."""

    def leave(self, retry_ms: int) -> None:
        """The front drains: end here, and come back after so many milliseconds."""

    def finish(self) -> None:
        """The ending was fed: nothing follows."""


class Along(Protocol):
    """What reads along with a tail, for those of its readers who asked for more. Called as they are."""

    def take(self, data: bytes, start: Position, end: Position) -> None:
        """What they are handed next: whole frames between two places."""

    def start_over(self) -> None:
        """The log holds another history."""


class Sent:
    """How many bytes of streams a front's readers were handed."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


class Audience:
    """All readers of a tail (`readers`), those that stand at its end (`live`), and what reads along with them.

    `sent` counts what they get.
    """

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self.sent = Sent()
        self.readers: dict[Reader, float] = {}  # with the loop's time since when
        self.live: dict[Reader, None] = {}
        self.along: Along | None = None

    def feed(self, data: bytes, start: Position | None = None, end: Position | None = None) -> None:
        """The next bytes, between two places, for whoever is live. Who falls behind meanwhile was handed them."""
        if self.along is not None and start is not None and end is not None:
            self.along.take(data, start, end)
        piece = Piece(data, start)
        if not piece.large:  # else each counts what it takes
            self.sent.bytes += len(data) * len(self.live)
        for reader in tuple(self.live):
            try:
                reader.feed(piece)
            except Exception as error:  # noqa: BLE001  # as `each`, without its closure: this is the way of every event
                self._fail(reader, error)

    def reset(self, reason: str, attempt: int, position: Position) -> None:
        """Another history: what was shown is void."""
        if self.along is not None:
            self.along.start_over()
        self.each(self.live, lambda reader: reader.reset(reason, attempt, position))

    def aside(self, said: Said | Ping) -> None:
        self.each(self.readers, lambda reader: reader.aside(said))

    def each(self, readers: Iterable[Reader], act: Callable[[Reader], None]) -> None:
        """Does it with each of them; a failure is that reader's own."""
        for reader in tuple(readers):
            try:
                act(reader)
            except Exception as error:  # noqa: BLE001  # whatever it is, the others must not notice
                self._fail(reader, error)

    def add(self, reader: Reader) -> None:
        self.readers[reader] = asyncio.get_running_loop().time()
        tell(of_fronts.ReaderJoined(subject(self._stream_id), reader.face, reader.resumed, len(self.readers)))

    def remove(self, reader: Reader) -> None:
        self.readers.pop(reader, None)
        self.live.pop(reader, None)

    def _fail(self, reader: Reader, error: Exception) -> None:
        tell(of_fronts.ReaderFailed(subject(self._stream_id), type(error).__name__))
        self.live.pop(reader, None)
        try:
            send_away(reader)
        except Exception as worse:  # noqa: BLE001  # it is past all help: its connection ends by itself
            tell(of_fronts.ReaderFailed(subject(self._stream_id), type(worse).__name__, last=True))
            self.remove(reader)


def send_away(reader: Reader) -> None:
    """Each is to come back at a time of its own."""
    reader.leave(random.randrange(*COME_BACK_MS))  # noqa: S311  # jitter, not a secret
