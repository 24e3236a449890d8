"""How late we are ourselves: who judges when bytes come has to know whether it looked in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

BEAT_SECONDS = 0.05


@dataclass(slots=True)
class Busy:
    """`late`: by how many seconds we were late at the most."""

    late: float = 0.0


@asynccontextmanager
async def watched() -> AsyncIterator[Busy]:
    busy, now = Busy(), asyncio.get_running_loop().time

    async def beat() -> None:
        while True:
            due = now() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            busy.late = max(busy.late, now() - due)

    beating = asyncio.create_task(beat())
    try:
        yield busy
    finally:
        beating.cancel()
