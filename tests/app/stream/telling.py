"""What the tests of this package share: frames one after the other, and a stream as a front leaves it."""

from __future__ import annotations

from app.stream.frames import Position, encode, origin
from app.stream.log import Claim, Log

LIFE_MS = 600_000
OWNER = "me"


def tell(position: Position, *texts: str) -> tuple[bytes, Position]:
    """The frames of some events that stand at `position`, and the position after them."""
    told = b""
    for text in texts:
        raw, *after = encode(b"told", text.encode(), *position)
        told += raw
        position = Position(*after)
    return told, position


async def accept(log: Log, stream_id: str) -> Position:
    """A stream as it stands when its POST was answered; returns where its log begins."""
    await log.open(stream_id, {"owner": OWNER, "request": "{}"})
    await log.keep(stream_id, LIFE_MS)
    return origin(stream_id)


async def write(log: Log, claim: Claim, position: Position, *texts: str) -> Position:
    """Appends events that nothing stands in the way of."""
    told, after = tell(position, *texts)
    appended = await log.append(claim, position.offset, told)
    assert (appended.status, appended.length) == ("ok", after.offset)
    return after
