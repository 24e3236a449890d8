"""What stands at a stream's end: the data of `relay.end` and the fields of the meta.

Pure. The rule: the frame is small enough for the room that every log keeps for it, whatever the upstream said; the meta
has it in full.
"""

from __future__ import annotations

from typing import Any

from app.stream.endings import end_data
from worker.attempt import End
from worker.message import Message
from worker.payload import dumps
from worker.writer import END_BYTES, Field

# Without its use the frame is below 2 kB, whatever the rest says: a character takes six bytes at the most.
MESSAGE_CHARACTERS = 200
NAME_CHARACTERS = 50
DATA_BYTES = END_BYTES - 100


def frame_data(end: End, calls: int, message: Message | None, cost: float | None) -> dict[str, Any]:
    """The data of `relay.end`. `message` is the newest attempt's, as far as it has come."""
    reason = message.stop_reason if message is not None else None
    error = None
    if end.error is not None:
        error = {
            "type": _clip(end.error.type, NAME_CHARACTERS),
            "message": _clip(end.error.message, MESSAGE_CHARACTERS),
        }
    data = end_data(
        end.outcome,
        attempts=calls,
        stop_reason=None if reason is None else _clip(reason, NAME_CHARACTERS),
        usage=message.usage if message is not None else None,
        cost_usd=cost,
        error=error,
    )
    return data if len(dumps(data)) <= DATA_BYTES else data | {"usage": None}


def fields(
    end: End, calls: int, message: Message | None, cost: float | None, *, complete: bool, first_at: int | None = None
) -> dict[str, Field]:
    """The fields of the meta.

    `complete`: the upstream's `message_stop` has come; `first_at`: when the message's first content came, in ms.
    """
    found: dict[str, Field] = {"outcome": end.outcome.value, "attempts": calls}
    if message is not None and message.stop_reason is not None:
        found["stop_reason"] = message.stop_reason
    if message is not None and message.usage is not None:
        found["usage"] = dumps(message.usage)
    if cost is not None:
        found["cost_usd"] = repr(cost)
    if first_at is not None:
        found["first_at"] = first_at
    if complete and message is not None:
        found["message"] = dumps(message.whole())
    if end.error is not None:
        found["error"] = dumps({"type": end.error.type, "message": end.error.message})
    if end.failure is not None:
        found["failure"] = dumps(
            {
                "status": end.failure.status,
                "type": end.failure.type,
                "message": end.failure.message,
                "retry_after": end.failure.retry_after,
                "request_id": end.failure.request_id,
                "should_retry": end.failure.should_retry,
                "exhausted": end.exhausted,
            }
        )
    return found


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
