"""Readers that ask for what comes next, for whoever transforms what it reads.

The rule: a reader is a cursor over a tail. It asks again whenever the tail has changed, and nothing is kept for it but
the newest thing that is said beside the log. Knows nothing of HTTP; who is handed bytes instead is `PushReader`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from app.fanout.audience import PING, Piece, Ping
from app.fanout.catchup import Begin, Data, Lost, Part, Reset, Step, catch_up, catch_up_in_parts
from app.fanout.hub import Hub
from app.fanout.parts import place_at
from app.fanout.tail import Tail
from app.stream.asides import Asked, Said
from app.stream.frames import Position

# Who was woken and is still busy, with a client that does not read, is woken again after this.
WAKE_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Aside:
    """Something to show between frames that is not of the log: the place in the line, or that we are there."""

    said: Said | Ping


@dataclass(frozen=True, slots=True)
class Leave:
    """The front drains: nothing follows here; come back after `retry_ms` milliseconds."""

    retry_ms: int


class PullReader:
    """A reader that is asked for the next step instead of being handed it. `in_parts`: large frames come in parts.

    `began`: where what it was given begins, if it is not where it came from.
    """

    __slots__ = ("_asides", "_in_parts", "_left", "_wake", "began", "face", "position", "resumed")

    def __init__(
        self, position: Position, *, in_parts: bool = False, face: str = "native", resumed: bool = False
    ) -> None:
        self.face = face
        self.resumed = resumed
        self.position = position
        self.began: Position | None = None
        self._in_parts = in_parts
        self._asides: list[Said | Ping] = []
        self._left: Leave | None = None
        self._wake: asyncio.Event = asyncio.Event()

    def feed(self, piece: Piece) -> None:
        """Never live, so never fed."""

    def go_on(self) -> None:
        """As `feed`."""

    def reset(self, reason: str, attempt: int, position: Position) -> None:
        """As `feed`."""

    def lost(self) -> None:
        """As `feed`."""

    def finish(self) -> None:
        """As `feed`."""

    def aside(self, said: Said | Ping) -> None:
        if isinstance(said, Asked) or not self._asides or isinstance(self._asides[-1], Asked):
            self._asides.append(said)
        else:
            self._asides[-1] = said  # one that waits is enough: it says the newest
        self._wake.set()

    def leave(self, retry_ms: int) -> None:
        self._left = Leave(retry_ms)
        self._wake.set()

    async def steps(self, hub: Hub, stream_id: str) -> AsyncGenerator[Step | Part | Aside | Leave]:
        """Everything from the reader's position to the ending, live; joins and leaves the hub by itself."""
        tail = hub.join(stream_id, self)
        tail.watchers.add(self._wake)
        try:
            while True:
                self._wake.clear()  # before looking: what comes while we look wakes us again
                if hub.is_open(stream_id):
                    async for step in self._caught_up(tail):
                        yield step
                        if isinstance(step, Lost):
                            return
                if tail.ended and self.position == tail.splice.end:
                    return
                while self._asides:
                    yield Aside(self._asides.pop(0))
                if self._left is not None:
                    yield self._left
                    return
                await self._wake.wait()
        finally:
            tail.watchers.discard(self._wake)
            hub.leave(stream_id, self)

    async def _caught_up(self, tail: Tail) -> AsyncGenerator[Step | Part]:
        """What there is up to the tail's end. Whoever stops asking inside a frame has no position any more."""
        if self._in_parts:
            async for part, place in catch_up_in_parts(tail, place_at(self.position)):
                self.position = place.position
                if isinstance(part, Begin):
                    self.began = part.position
                else:
                    yield part
            return
        async for step in catch_up(tail, self.position):
            if isinstance(step, Data | Reset):
                self.position = step.position
            yield step


class TimedReader(PullReader):
    """One that is woken when its client is owed something (a head, a ping, an end).

    `due`: the time at which it is woken, by a ping. `gone`: its client has left.
    """

    __slots__ = ("_due", "_timer", "gone")

    def __init__(self, position: Position, due: float, face: str, *, in_parts: bool = False) -> None:
        super().__init__(position, in_parts=in_parts, face=face)
        self.gone = False
        self._due = due
        self._timer = asyncio.get_running_loop().call_at(due, self._wake_up)

    @property
    def due(self) -> float:
        return self._due

    @due.setter
    def due(self, due: float) -> None:
        # Every event moves it later; the timer then finds out by itself, which is cheaper than a new one for each.
        self._due = due
        if due < self._timer.when():
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(due, self._wake_up)

    def go(self) -> None:
        """Its client has left: end here."""
        self.gone = True
        PullReader.leave(self, 0)

    def close(self) -> None:
        self._timer.cancel()

    def _wake_up(self) -> None:
        loop = asyncio.get_running_loop()
        again = self._due
        if loop.time() >= self._due:
            self.aside(PING)
            again = loop.time() + WAKE_AGAIN_SECONDS
        self._timer = loop.call_at(again, self._wake_up)


class PatientReader(TimedReader):
    """One whose client cannot come back by itself: it stays while its front drains, until the last moment in which its
    client can still be told.
    """

    __slots__ = ("_hub", "_last_moment")

    def __init__(self, position: Position, hub: Hub, due: float, face: str, *, in_parts: bool = False) -> None:
        super().__init__(position, due, face, in_parts=in_parts)
        self._hub = hub
        self._last_moment: asyncio.TimerHandle | None = None
        if hub.draining:  # the drain told only those it found
            self.leave(0)

    def leave(self, retry_ms: int) -> None:
        if self._last_moment is None:
            loop = asyncio.get_running_loop()
            self._last_moment = loop.call_at(self._hub.leave_by, super().leave, retry_ms)

    def close(self) -> None:
        super().close()
        if self._last_moment is not None:
            self._last_moment.cancel()
