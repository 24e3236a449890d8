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
from worker.writer import Field

MESSAGE_CHARACTERS = 300
USAGE_BYTES = 1000


def frame_data(end: End, calls: int, message: Message | None, cost: float | None) -> dict[str, Any]:
    """The data of `relay.end`. `message` is the newest attempt's, as far as it has come."""
    usage = message.usage if message is not None else None
    error = {"type": end.error.type[:100], "message": _clip(end.error.message)} if end.error else None
    return end_data(
        end.outcome,
        attempts=calls,
        stop_reason=message.stop_reason if message is not None else None,
        usage=usage if usage is None or len(dumps(usage)) <= USAGE_BYTES else None,
        cost_usd=cost,
        error=error,
    )


def fields(end: End, calls: int, message: Message | None, cost: float | None, *, complete: bool) -> dict[str, Field]:
    """The fields of the meta. `complete`: the upstream's `message_stop` has come."""
    found: dict[str, Field] = {"outcome": end.outcome.value, "attempts": calls}
    if message is not None and message.stop_reason is not None:
        found["stop_reason"] = message.stop_reason
    if message is not None and message.usage is not None:
        found["usage"] = dumps(message.usage)
    if cost is not None:
        found["cost_usd"] = repr(cost)
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
                "exhausted": end.exhausted,
            }
        )
    return found


def _clip(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARACTERS else text[: MESSAGE_CHARACTERS - 1] + "…"
