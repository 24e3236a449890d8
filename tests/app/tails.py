"""What tests of one tail share: a log whose answers wait, and a reader that notes what it is told."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.fanout.audience import Piece, Ping
from app.fanout.tail import Tail
from app.stream.asides import Said
from app.stream.frames import Position
from app.stream.log import READ_BYTES, Log, Read
from tests.patience import PATIENCE


class SlowLog(Log):
    """A log whose answers wait until they are let through, or get lost."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.asked_for = 0
        self.lose = 0

    async def read(self, stream_id: str, after: Position | None, limit: int = READ_BYTES, skip: int = 0) -> Read:
        read = await super().read(stream_id, after, limit, skip)
        self.asked_for += 1
        self.asked.set()
        await self.open.wait()
        if self.lose:
            self.lose -= 1
            raise RedisConnectionError
        return read


class Noting:
    """A reader that notes what it is told."""

    face = "noted"
    resumed = False

    def __init__(self, position: Position) -> None:
        self.position = position
        self.pieces: list[bytes] = []
        self.told: list[Any] = []

    @property
    def fed(self) -> bytes:
        return b"".join(self.pieces)

    def feed(self, piece: Piece) -> None:
        assert piece.large or piece.chunk == b"%x\r\n%b\r\n" % (len(piece.data), piece.data)
        self.pieces.append(piece.data)

    def go_on(self) -> None:
        self.told.append("go on")

    def reset(self, reason: str, attempt: int, position: Position) -> None:
        self.told.append((reason, attempt, position))
        self.pieces.clear()
        self.position = position

    def aside(self, said: Said | Ping) -> None:
        self.told.append(said)

    def lost(self) -> None:
        self.told.append("lost")

    def leave(self, retry_ms: int) -> None:
        self.told.append(retry_ms)

    def finish(self) -> None:
        self.told.append("finished")


def live(tail: Tail) -> Noting:
    reader = Noting(tail.splice.end)
    tail.audience.add(reader)
    assert tail.go_live(reader)
    return reader


async def repaired(tail: Tail) -> None:
    async with asyncio.timeout(PATIENCE):
        await tail.repaired()
