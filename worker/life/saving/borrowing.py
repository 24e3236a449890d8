"""An answer that another stream was given, written into the log of one that asked the same.

The rule: it is an attempt like any other, but that no call is made and nothing is paid: its frames go through the same
reading and the same writer, so its ids, its fence and its ending are the stream's own, and whoever takes it over finds
what an attempt leaves behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.stream.saved.saved_calls import Kept
from worker.life.interrupt import Interrupt
from worker.life.record import Record
from worker.log.writer import FullLogError
from worker.upstream.reading import Reading

# Written in one go; between two pieces others have their turn.
PIECE_BYTES = 64 * 1024


async def borrow(record: Record, interrupt: Interrupt, frames: AsyncGenerator[bytes, None]) -> Reading:
    """Writes `frames`, which have no ids. Raises `UpstreamError` where they end too early, and `FullLogError`."""
    writer, clock = record.writer, asyncio.get_running_loop().time
    reading = Reading(writer.frame, lambda: writer.mark({"content": "1"}), clock, record.chronicle.first_content)
    record.reading = reading
    async with aclosing(frames):
        async for piece in frames:
            if reading.feed(piece):
                record.save()
                return reading
            if reading.pending > writer.room:
                raise FullLogError
            interrupt.check()
    reading.end()
    record.save()
    return reading


async def pieces(kept: Kept) -> AsyncGenerator[bytes, None]:
    """The frames of a kept answer."""
    for at in range(0, len(kept.frames), PIECE_BYTES):
        yield kept.frames[at : at + PIECE_BYTES]
        await asyncio.sleep(0)
