"""Turns for those who work on much at once: a herd that is transformed for does not hold the loop.

The rule: one turn begins in each round of the loop, in the order in which they were asked for; so what everybody else
waits is one reader's step and not the sum of all of them. A turn costs nothing where nobody else wants one.
"""

from __future__ import annotations

import asyncio
from collections import deque


class FairTurns:
    """The turns of one process."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._due = False

    async def next(self) -> None:
        """Returns when it is the caller's turn; it ends with what the caller does next, at its next waiting."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append(future)
        if not self._due:
            self._due = True
            loop.call_soon(self._begin_next)
        await future

    def _begin_next(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():  # else whoever asked has left
                future.set_result(None)
                asyncio.get_running_loop().call_soon(self._begin_next)
                return
        self._due = False
