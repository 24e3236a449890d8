"""What stands of a stream's newest attempt, read back from its log: for an ending by a holder that did not read it.

The rule: what people saw is kept, whoever ends their stream. To the digit, as a `GatheredMessage`; what a front shows
of an answer that is not whole is `app.stream.readback.partial`.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.stream.frames import Position, split
from app.stream.log import Log, Read
from app.stream.readback.newest import pieces
from worker.life.interrupt import Interrupt
from worker.life.until_answered import until_answered
from worker.rawjson.codec import NotJSONError, loads
from worker.upstream.message import GatheredMessage


@dataclass(frozen=True, slots=True)
class Recovered:
    """`whole`: its `message_stop` stands, too; only the ending is missing."""

    message: GatheredMessage
    whole: bool


async def recover(log: Log, stream_id: str, interrupt: Interrupt, limit: int) -> Recovered:
    """The newest attempt of the newest turn, as far as its first `limit` bytes. Raises `Interruption`."""

    async def ask(after: Position | None, size: int) -> Read:
        return await until_answered(interrupt, lambda: log.peek(stream_id, after, size))

    message, stopped = GatheredMessage(), False
    async for data in pieces(ask, limit):
        for frame in split(data):
            if frame.name == "relay.reset" or (stopped and frame.name == "message_start"):  # of a later turn
                message, stopped = GatheredMessage(), False
            if frame.name is None or frame.name.startswith("relay."):
                continue
            stopped = stopped or frame.name == "message_stop"
            try:
                message.add(loads(frame.data), frame.data)
            except NotJSONError:
                continue
    return Recovered(message, stopped)
