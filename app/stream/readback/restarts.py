"""Where a log begins again: its `relay.reset` frames, found without parsing the rest.

Pure. The law: nothing that stands in a log can make this fail; a reset that is not as ours are is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from app.stream.frames import PROOF_LENGTH, Position, position_at_end

OURS = b"event: relay."
RESET_LINE = b"event: relay.reset\n"
END_LINE = b"event: relay.end\n"
_DATA = RESET_LINE + b"data: "


@dataclass(frozen=True, slots=True)
class Restart:
    """A `relay.reset`: `position` is where it ends and the new attempt begins.

    One that names a turn is none: the log goes on there, and who has nothing of it yet does not begin behind it.
    """

    attempt: int
    reason: str
    position: Position


def restarts(data: bytes) -> Iterator[Restart]:
    """The resets among whole frames."""
    at = -1
    while (at := data.find(RESET_LINE, at + 1)) >= 0:
        if at == 0 or data.startswith(b"\n\n", at - 2):  # else it is a text that speaks of one
            restart = _restart(data[at : data.find(b"\n\n", at) + 2])
            if restart is not None:
                yield restart


def begins_anew(data: bytes) -> Restart | None:
    """The reset with which a log begins that was started over; None where it begins as logs do."""
    return _restart(data[: data.find(b"\n\n") + 2]) if data.startswith(RESET_LINE) else None


def ends(data: bytes) -> bool:
    """Whether the last of whole frames says that it is the ending."""
    last = data.rfind(b"\n\n", 0, -2)
    return data.startswith(END_LINE, 0 if last < 0 else last + 2)


def _restart(frame: bytes) -> Restart | None:
    position = position_at_end(frame)
    if position is None or not frame.startswith(_DATA):
        return None
    try:
        said: Any = orjson.loads(frame[len(_DATA) : -PROOF_LENGTH])
    except ValueError:
        return None
    match said:
        case {"turn": int()}:
            return None
        case {"attempt": int(attempt), "reason": str(reason)} if attempt is not True and attempt >= 0:
            return Restart(attempt, reason, position)
        case _:
            return None
