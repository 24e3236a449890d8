"""The newest attempt of a stream, read back from its log.

The rule: in pieces, because others wait for this process and for Redis, and none larger than its frames are. What the
log loses meanwhile, or what in it is none of ours, ends the reading: what was read was there all the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from app.stream.frames import Position, position_at_end
from app.stream.log import READ_BYTES, Read

# As `Log.read` of one stream: what follows a position, or for None the newest attempt; so many bytes at the most.
Ask = Callable[[Position | None, int], Awaitable[Read]]


async def pieces(ask: Ask, most: float = float("inf")) -> AsyncIterator[bytes]:
    """Whole frames, in order, until there are no more or `most` bytes were given. Raises what `ask` raises."""
    after: Position | None = None
    given, size = 0, READ_BYTES
    while given < most:
        read = await ask(after, size)
        if after is not None and not read.proven:
            return
        if data := read.whole():
            yield data
            given, size = given + len(data), READ_BYTES
            after = position_at_end(data)
            if after is None or after.offset >= read.length:
                return
        elif len(read.data) < size or size > most:
            return
        else:  # a frame that is larger than the piece
            size *= 2
