"""What the tests of the log share: a claim, and a log that loses its tail or ends."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from app.stream import keys
from app.stream.frames import Position
from app.stream.log import Claim, Log, Status
from tests.app.stream.telling import tell

STREAM = "st_log"
FIRST, SECOND = Claim(STREAM, 7, "one/1"), Claim(STREAM, 9, "two/1")
ENDING_MS = 60_000
ANSWER_SECONDS = 30.0


async def stands(redis: Redis) -> bytes:
    return bytes(await redis.get(keys.log(STREAM)) or b"")


async def lose_tail(redis: Redis, length: int) -> None:
    """What a server that restarts without its last second does to a log."""
    await redis.set(keys.log(STREAM), (await stands(redis))[:length], keepttl=True)


async def end(log: Log, claim: Claim, position: Position) -> tuple[bytes, Position]:
    told, after = tell(position, "the end")
    ended = await log.append(claim, position.offset, told, {"outcome": "completed"}, ENDING_MS)
    assert ended.status is Status.OK
    return told, after


async def next_message(listener: PubSub) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            message = await listener.get_message(timeout=1)
            if message is not None:
                return dict(message)
