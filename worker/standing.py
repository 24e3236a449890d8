"""What stands of a stream's newest attempt, read back from its log: for an ending by a holder that did not read it.

The rule: what people saw is kept, whoever ends their stream. Read in pieces, so that no other stream waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.stream.frames import position_at_end, split
from app.stream.log import READ_BYTES, Log
from worker.interrupt import Interrupt
from worker.message import Message
from worker.patience import patiently
from worker.payload import NotJSONError, loads


@dataclass(frozen=True, slots=True)
class Standing:
    """`whole`: its `message_stop` stands, too; only the ending is missing."""

    message: Message
    whole: bool


async def standing(log: Log, stream_id: str, interrupt: Interrupt, limit: int) -> Standing:
    """The newest attempt, as far as its first `limit` bytes. Raises `Interruption`."""
    message, stopped, taken, size = Message(), False, 0, READ_BYTES
    after = None
    while taken < limit:
        read = await patiently(interrupt, lambda: log.read(stream_id, after, size))  # noqa: B023  # awaited at once
        if after is not None and not read.proven:  # lost meanwhile: what was read was seen all the same
            break
        data = read.whole()
        for frame in split(data):
            if frame.name is None or frame.name.startswith("relay."):
                continue
            stopped = stopped or frame.name == "message_stop"
            try:
                message.add(loads(frame.data), frame.data)
            except NotJSONError:
                continue
        taken += len(data)
        if data:
            after = position_at_end(data)
        elif len(read.data) < size or size > limit:
            break
        else:  # a frame that is longer than the piece
            size *= 2
        if after is not None and after.offset >= read.length:
            break
    return Standing(message, stopped)
