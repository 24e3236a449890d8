"""What a front reads of logs: bounded in number, shared by who asks the same, in pieces that Redis answers at once.

The rule: readers never take more than `READS_AT_ONCE` of the front's connections, so that five hundred who want 16 MiB
each leave the rest to everybody else; tails, whose reading keeps the live ones going, have a line of their own. A frame
larger than one piece is put together from several, and proven as a whole: no splice of two histories passes.
Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

import orjson

from app.stream.asides import Asked
from app.stream.concurrency.fair_turns import FairTurns
from app.stream.frames import Position, follow
from app.stream.log import READ_BYTES, Log, Read
from app.stream.readback.steps import asks_of

# Of the pool's connections (`connect.POOL_SIZE`): readers, and as many for the tails.
READS_AT_ONCE = 8

_Key = tuple[str, Position | None, int, int | None]


class SharedLog:
    """The reads of one front. `turns`: whose turn it is to do something with much that was read.

    `reads`: how often a reader was given something from where.
    """

    def __init__(self, log: Log) -> None:
        self.turns = FairTurns()
        self.reads = {"window": 0, "log": 0, "shared": 0}
        self._log = log
        self._readers = asyncio.Semaphore(READS_AT_ONCE)
        self._tails = asyncio.Semaphore(READS_AT_ONCE)
        self._flights: dict[_Key, asyncio.Task[Read]] = {}

    async def read(self, stream_id: str, after: Position | None, limit: int = READ_BYTES) -> Read:
        """As `Log.read`, of whole frames: more than `limit` where a frame is larger.

        Readers that ask the same at the same time get the same `Read`, which may have begun before they asked. Raises
        what Redis raises.
        """
        return await self._shared(
            (stream_id, after, limit, None), lambda: self._whole(self._readers, stream_id, after, limit)
        )

    async def part(self, stream_id: str, after: Position, skip: int, limit: int) -> Read:
        """As `read`, of what follows `skip` bytes behind a proven `after`, cut off anywhere."""
        return await self._shared(
            (stream_id, after, limit, skip), lambda: self._piece(self._readers, stream_id, after, limit, skip)
        )

    async def fresh(self, stream_id: str, after: Position | None) -> Read:
        """As `read`, for a tail: it begins now."""
        return await self._whole(self._tails, stream_id, after, READ_BYTES)

    async def asks(self, stream_id: str) -> tuple[Asked, ...]:
        """What a person is to decide of a stream, for a tail."""
        async with self._tails:
            meta = await self._log.meta(stream_id, "turn") or {}
            return tuple(Asked(orjson.dumps(one)) for one in await asks_of(self._log, stream_id, meta))

    async def head(self, stream_id: str, start: Position, limit: int) -> Read:
        """The first bytes of a log, for a tail."""
        return await self._piece(self._tails, stream_id, start, limit)

    async def _shared(self, key: _Key, read: Callable[[], Coroutine[None, None, Read]]) -> Read:
        flight = self._flights.get(key)
        self.reads["log" if flight is None else "shared"] += 1
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(read(), name="read")
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _landed(self, key: _Key, flight: asyncio.Task[Read]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # who asked hears of it, if anybody still waits

    async def _piece(
        self, line: asyncio.Semaphore, stream_id: str, after: Position | None, limit: int, skip: int = 0
    ) -> Read:
        async with line:
            return await self._log.read(stream_id, after, limit, skip)

    async def _whole(self, line: asyncio.Semaphore, stream_id: str, after: Position | None, limit: int) -> Read:
        read = await self._piece(line, stream_id, after, limit)
        if read.start is None or not read.data or read.whole():
            return read
        return await self._rest(line, stream_id, read, read.start, limit)

    async def _rest(self, line: asyncio.Semaphore, stream_id: str, read: Read, start: Position, limit: int) -> Read:
        """The frame of which `read` is the first piece, and what came behind it with its last one.

        Nothing, where the log changed meanwhile: whoever looks again finds what stands now.
        """
        pieces = [read.data]
        size = len(read.data)
        while True:
            limit = min(2 * limit, READ_BYTES)  # a frame of megabytes in few pieces, whoever asks
            piece = await self._piece(line, stream_id, start, limit, size)
            if not (piece.proven and piece.data):
                return replace(read, data=b"")
            end = _last_end(pieces[-1], piece.data)
            pieces.append(piece.data if end is None else piece.data[:end])
            size += len(pieces[-1])
            if end is not None:
                break
        data = b"".join(pieces)
        if follow(data, *start) is None:
            return replace(read, data=b"")
        return replace(piece, start=read.start, proven=read.proven, data=data)


def _last_end(before: bytes, piece: bytes) -> int | None:
    """Where the last frame that ends in `piece` ends; its blank line may have begun in the piece before."""
    end = piece.rfind(b"\n\n")
    if end >= 0:
        return end + 2
    return 1 if before.endswith(b"\n") and piece.startswith(b"\n") else None
