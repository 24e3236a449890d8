"""What a front says at the end of a stream that no worker has: it waits, for the first time or again.

The rule: it says the same as a worker would, of what earlier holders left: their calls and what these cost, and the use
that the newest one's answer told. Reads the log only where an answer stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.intake.raw_json import Raw, fields_of, kind_of, read
from app.stream.endings import Outcome, end_data
from app.stream.ledger.lines import CallState, Pricing, calls_of, kept
from app.stream.ledger.usage import Brought, values
from app.stream.log import Begun, Log
from app.stream.readback.brought import brought_of
from app.stream.readback.steps import message_field
from app.watch.events import of_streams
from app.watch.events.subjects import subject, word
from app.watch.traces.carried import trace_of

# Of what the upstream says of a use so much finds room in `relay.end`; else its counts.
FRAME_USAGE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Ending:
    """`data` is that of `relay.end`, `fields` are the meta's, `told` goes to who watches."""

    data: dict[str, Any]
    fields: dict[str, str | bytes | int]
    told: of_streams.Ended


async def ending_of(
    log: Log, stream_id: str, begun: Begun, outcome: Outcome, error: Mapping[str, str] | None, *, pricing: Pricing
) -> Ending:
    """The ending of a stream as it was found."""
    meta = begun.meta
    # Those whose answer another stream was given were no calls.
    attempts = int(meta.get("attempt", b"0")) - int(meta.get("borrowed", b"0"))
    model = meta.get("model", b"").decode("utf-8", "replace")
    under_way = meta.get("content") == b"1"
    turns = _finished(meta)
    if under_way or not turns:
        brought = await brought_of(log, stream_id) if under_way else Brought()
    else:
        brought = _told(turns[-1])
    calls = calls_of(meta.get("calls"), attempts, model).closed(CallState.CUT, brought, pricing)
    cost, usage = calls.cost_usd, values(brought.used)
    data = end_data(
        outcome,
        attempts=attempts,
        stop_reason=brought.stop_reason,
        usage=values(bytes(kept(brought.used, FRAME_USAGE_BYTES))) or None,
        cost_usd=cost,
        error=None if error is None else dict(error),
        estimated=brought.estimated,
        turns=len(turns) + under_way if "tools" in meta else None,
    )
    fields: dict[str, str | bytes | int] = {
        "outcome": outcome,
        "attempts": attempts,
        "calls": calls.encode(),
        "cost_usd": orjson.dumps(cost),
    }
    optional = {
        "stop_reason": brought.stop_reason,
        "usage": brought.used,
        "estimated": "1" if brought.estimated else None,
        "error": None if error is None else orjson.dumps(error),
    }
    fields |= {name: value for name, value in optional.items() if value is not None}
    if "turns" in data:
        fields["turns"] = data["turns"]
    if turns and not under_way:  # what was said last is no answer, for nobody went on with it
        fields |= {"message": turns[-1], "partial": "1"}
    of = subject(stream_id, meta.get("owner", b"").decode(), trace_of(meta))
    told = of_streams.Ended(
        # What its own client calls it, and not who asks for its end.
        replace(of, client_request_id=meta.get("client_request_id", b"").decode()),
        word(model),
        outcome,
        error_type=error["type"] if error is not None else "",
        why=error["message"] if error is not None else "",
        stop_reason=word(brought.stop_reason or ""),
        attempts=attempts,
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cache_read_tokens=_count(usage, "cache_read_input_tokens"),
        cache_write_tokens=_count(usage, "cache_creation_input_tokens"),
        cost_usd=cost,
        seconds=(begun.now - int(meta.get("created_at", begun.now))) / 1000,
    )
    return Ending(data, fields, told)


def _finished(meta: Mapping[str, bytes]) -> list[bytes]:
    """The Messages of the turns that are whole, see `app.stream.readback.steps`."""
    found: list[bytes] = []
    while (message := meta.get(message_field(len(found) + 1))) is not None:
        found.append(message)
    return found


def _told(message: bytes) -> Brought:
    """What a call has brought that was whole, by its Message."""
    fields = fields_of(message)
    usage, reason = fields.get("usage"), fields.get("stop_reason", Raw(b"null"))
    said = read(reason) if kind_of(reason) == "string" else None
    return Brought(usage=None if usage is None else bytes(usage), stop_reason=said, counted=True, whole=True)


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) else None
