"""What stands at a stream's end: the data of `relay.end` and the fields of the meta.

Pure. The rule: an ending can always be written and read, whatever the upstream said: halves of surrogate pairs, which
parsers refuse, are U+FFFD in what we say ourselves. The frame is small enough for the room that every log keeps for it;
the meta has it in full, but for what cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import orjson

from app.stream.endings import Outcome, end_data
from app.stream.ledger.lines import Calls
from app.stream.ledger.usage import Brought
from app.stream.observing import tell
from app.watch.events import of_processes
from worker.life.steps import End
from worker.log.writer import END_BYTES, Field
from worker.rawjson import json_text
from worker.rawjson.codec import dumps
from worker.upstream.message import GatheredMessage
from worker.upstream.whole import WholeMessage

T = TypeVar("T")

# Without its use the frame is below 2 kB, whatever the rest says: a character takes six bytes at the most.
MESSAGE_CHARACTERS = 200
NAME_CHARACTERS = 50
DATA_BYTES = END_BYTES - 100
# What stands when a stream ends so is what there was.
_CUT_SHORT = (Outcome.FAILED, Outcome.CANCELLED, Outcome.EXPIRED)
# The depth of the frame that everybody can read.
DEPTH_MAX = 100
# What of a use too long for the frame is told first: what it is paid by.
_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def bare(end: End, attempts: int, calls: Calls, turns: int | None = None) -> tuple[bytes, dict[str, Field]]:
    """Frame and fields of an ending that says the least."""
    data = end_data(end.outcome, attempts=attempts, cost_usd=calls.cost_usd, turns=turns)
    return dumps(data), {"outcome": end.outcome.value, "attempts": attempts, **costs(calls)}


def frame_data(
    end: End,
    attempts: int,
    brought: Brought,
    cost: float | None,
    *,
    cached_from: str = "",
    turns: int | None = None,
) -> bytes:
    """The data of `relay.end`. `brought` is the newest attempt's, as far as it has come; `cost` is all calls'.
    `cached_from` was given the answer first, if it is a kept one; `turns` there were, where tools were asked for.
    """
    reason, error = brought.stop_reason, None
    if end.error is not None:
        error = {
            "type": _clip(end.error.type, NAME_CHARACTERS),
            "message": _clip(end.error.message, MESSAGE_CHARACTERS),
        }
    data = end_data(
        end.outcome,
        attempts=attempts,
        stop_reason=None if reason is None else _clip(reason, NAME_CHARACTERS),
        cost_usd=cost,
        error=error,
        estimated=brought.estimated,
        cached_from=cached_from,
        turns=turns,
    )
    told = dumps(data)
    usage = _safely(lambda: _usage(brought.used, DATA_BYTES - len(told)))
    return told if usage is None else told.replace(b'"usage":null', b'"usage":' + usage, 1)


def fields(
    end: End,
    attempts: int,
    message: GatheredMessage | WholeMessage | None,
    brought: Brought,
    calls: Calls,
    *,
    content: bool = False,
    first_at: int | None = None,
) -> dict[str, Field]:
    """The fields of the meta.

    `brought` is what `message` comes to; `content`: people have seen something of it: it is kept then, and marked as
    partial where it is not whole; `first_at`: when its first content came, in ms.
    """
    found: dict[str, Field] = {"outcome": end.outcome.value, "attempts": attempts, **costs(calls)}
    if brought.stop_reason is not None:
        found["stop_reason"] = _whole(brought.stop_reason)
    if (usage := brought.used) is not None:
        found["usage"] = usage
    if brought.estimated:
        found["estimated"] = "1"
    if message is not None and (brought.whole or content) and (whole := _safely(message.json)) is not None:
        found["message"] = whole
        if not brought.whole or end.outcome in _CUT_SHORT:  # the last turn may be whole, and is no answer
            found["partial"] = "1"
    if first_at is not None:
        found["first_at"] = first_at
    if end.error is not None:
        found["error"] = dumps({"type": _whole(end.error.type), "message": _whole(end.error.message)})
    if end.failure is not None:
        found["failure"] = dumps(
            {
                "status": end.failure.status,
                "type": _whole(end.failure.type),
                "message": _whole(end.failure.message),
                "retry_after": end.failure.retry_after,
                "request_id": end.failure.request_id,
                "should_retry": end.failure.should_retry,
                "exhausted": end.exhausted,
                **({"details": end.failure.details} if end.failure.details else {}),
            }
        )
    return found


def costs(calls: Calls) -> dict[str, Field]:
    """What stands in the meta of the calls and their cost, which may be nobody's to know."""
    return {"calls": calls.encode(), "cost_usd": dumps(calls.cost_usd)}


def _usage(used: bytes | None, room: int) -> bytes | None:
    """The use, or as much of it as there is room for: first its counts, then what comes first."""
    told = json_text.members(used or b"")
    if not told:
        return None
    kept: json_text.Members = {}
    for name in sorted(told, key=lambda name: _COUNTS.index(name) if name in _COUNTS else len(_COUNTS)):
        if len(json_text.assemble({**kept, name: told[name]})) <= room and _can_be_read(name, told[name]):
            kept[name] = told[name]
    return json_text.assemble({name: value for name, value in told.items() if name in kept}) if kept else None


def _safely(make: Callable[[], T]) -> T | None:
    """What `make` makes; None where it cannot be made: an answer is not lost for what is said about it."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001  # see above
        tell(of_processes.Fault.met("ending", error))
        return None


def _can_be_read(name: str, value: bytes) -> bool:
    """Whether no parser stumbles over it, but for one that takes no number beyond a double."""
    data = json_text.assemble({name: value})
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return b"\\u" not in data and json_text.depth(data) < DEPTH_MAX
    return True


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _clip(text: str, length: int) -> str:
    text = _whole(text)
    return text if len(text) <= length else text[: length - 1] + "…"
