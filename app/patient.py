"""A reader for clients that cannot come back by themselves.

The rule: it stays while its front drains, until the last moment in which its client can still be told; and it is woken
when its client is owed something (a head, a ping), whether or not the stream moves. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio

from app.hub import Hub
from app.readers import PullReader
from app.stream.frames import Position
from app.tail import Piece

_WAKE_UP = Piece(b"")
# Who was woken and is still busy, with a client that does not read, is woken again after this.
AGAIN_SECONDS = 1.0


class PatientReader(PullReader):
    """`due`: the time at which it is woken, by an empty aside. `gone`: its client has left."""

    __slots__ = ("_hub", "_last_moment", "_timer", "due", "gone")

    def __init__(self, position: Position, hub: Hub, due: float) -> None:
        super().__init__(position)
        self.due = due
        self.gone = False
        self._hub = hub
        self._last_moment: asyncio.TimerHandle | None = None
        self._timer = asyncio.get_running_loop().call_at(due, self._wake_up)
        if hub.draining:  # the drain told only those it found
            self.leave(0)

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
        # Every event moves `due` and none moves the timer, which is cheaper.
        loop = asyncio.get_running_loop()
        if loop.time() >= self.due:
            self.aside(_WAKE_UP)
        self._timer = loop.call_at(max(self.due, loop.time() + AGAIN_SECONDS), self._wake_up)
