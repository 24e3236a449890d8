"""Turns for what is large: so many bytes are held for clients at once, and who comes beyond waits.

The rule: memory and connections of a front are not the sum of what everybody asks for. Who waits too long is told to
come back. What is small takes no turn. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.stream.errors import BusyError

SMALL_BYTES = 256 * 1024
BYTES_AT_ONCE = 96 * 1024 * 1024
WAIT_SECONDS = 30.0


class Bulk:
    """The turns of one front."""

    def __init__(self, at_once: int = BYTES_AT_ONCE) -> None:
        self._at_once = at_once
        self._free = at_once
        self._line = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        """A turn for so many bytes. In the order of asking. Raises `BusyError`."""
        if size <= SMALL_BYTES:
            yield
            return
        taken = min(size, self._at_once)
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._line:
                while self._free < taken:
                    self._freed.clear()
                    await self._freed.wait()
                self._free -= taken
        except TimeoutError:
            raise BusyError("too much is being read right now; try again") from None
        try:
            yield
        finally:
            self._free += taken
            self._freed.set()
