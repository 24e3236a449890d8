"""By how much a process' loop is late: a slow timer, and how late it is each time.

The rule: the system's clock says how late, for uvloop's own counts whole milliseconds.
"""

from __future__ import annotations

import asyncio
import time

from app.stream.counts.distribution import Distribution

LOOK_SECONDS = 0.25


class LoopLag:
    """Measured from `start` until `stop`."""

    def __init__(self) -> None:
        self.seconds = Distribution()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._next(asyncio.get_running_loop())

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        due = time.perf_counter() + LOOK_SECONDS
        self._timer = loop.call_later(LOOK_SECONDS, self._look, loop, due)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.seconds.add(max(time.perf_counter() - due, 0.0))
        self._next(loop)
