"""A reader for clients that cannot come back by themselves.

The rule: it stays while its front drains, until the last moment in which its client can still be told; and it is woken
when its client is owed something (a head, a ping), whether or not the stream moves. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio

from app.fanout.audience import Piece
from app.fanout.hub import Hub
from app.fanout.reader import PullReader
from app.stream.frames import Position

_WAKE_UP = Piece(b"")
# Who was woken and is still busy, with a client that does not read, is woken again after this.
AGAIN_SECONDS = 1.0


class PatientReader(PullReader):
    """`due`: the time at which it is woken, by an empty aside. `gone`: its client has left."""

    __slots__ = ("_due", "_hub", "_last_moment", "_timer", "gone")

    def __init__(self, position: Position, hub: Hub, due: float, *, in_parts: bool = False) -> None:
        super().__init__(position, in_parts=in_parts)
        self.gone = False
        self._hub = hub
        self._last_moment: asyncio.TimerHandle | None = None
        self._due = due
        self._timer = asyncio.get_running_loop().call_at(due, self._wake_up)
        if hub.draining:  # the drain told only those it found
            self.leave(0)

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

    def leave(self, retry_ms: int) -> None:
        if self._last_moment is None:
            loop = asyncio.get_running_loop()
            self._last_moment = loop.call_at(self._hub.leave_by, super().leave, retry_ms)

    def go(self) -> None:
        """Its client has left: end here."""
        self.gone = True
        super().leave(0)

    def close(self) -> None:
        self._timer.cancel()
        if self._last_moment is not None:
            self._last_moment.cancel()

    def _wake_up(self) -> None:
        loop = asyncio.get_running_loop()
        again = self._due
        if loop.time() >= self._due:
            self.aside(_WAKE_UP)
            again = loop.time() + AGAIN_SECONDS
        self._timer = loop.call_at(again, self._wake_up)
