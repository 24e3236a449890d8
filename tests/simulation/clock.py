"""A loop of asyncio whose time is the simulation's own: it passes when nobody has anything left to do.

So what is written for asyncio runs in it as it stands, and a minute takes as long as what happens in it.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class _Idle(selectors.SelectSelector):
    """Waits for nobody: it is asked for how long one may wait, and so long has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing is left that could ever happen")
        self.now += max(timeout, 0.0)
        return []


class Loop(asyncio.SelectorEventLoop):
    """To be run by `asyncio.Runner(loop_factory=Loop)`."""

    def __init__(self) -> None:
        self._idle = _Idle()
        super().__init__(self._idle)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._idle.now
