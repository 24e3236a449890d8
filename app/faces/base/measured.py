"""What an answer's headers say of what it cost and how long it took, as far as that is known by then.

The rule: nothing is asked for their sake of a stream that has not ended.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.faces.base.front import Front
from app.http.origins import MEASURED_HEADERS
from app.intake.submit import Accepted, again
from app.stream.log import State

# The fields of a stream's meta that tell it.
FIELDS = ("cost_usd", "created_at", "started_at", "first_at", "ended_at")
# What stands there where a call used a model without a known price.
UNKNOWN = b"null"
COST, TIMING = MEASURED_HEADERS
# A name of `server-timing`, and the two moments between which it is.
_SPANS = (
    ("queue", "created_at", "started_at"),
    ("first-content", "created_at", "first_at"),
    ("upstream", "started_at", "ended_at"),
)


def measured(meta: Mapping[str, bytes]) -> dict[str, str]:
    """The headers of a stream that has ended; `meta` has those of `FIELDS` that are set. Durations are milliseconds."""
    headers = {}
    if meta.get("cost_usd", UNKNOWN) != UNKNOWN:
        headers[COST] = f"{float(meta['cost_usd']):.9f}".rstrip("0").removesuffix(".")
    spans = [
        f"{name};dur={max(0, int(meta[end]) - int(meta[start]))}"
        for name, start, end in _SPANS
        if start in meta and end in meta
    ]
    return headers | ({TIMING: ", ".join(spans)} if spans else {})


async def measured_where_ended(front: Front, accepted: Accepted) -> dict[str, str]:
    """Of a submit: one whose Idempotency-Key stood for a stream that has ended is told what it was."""
    if not accepted.repeated or accepted.state is not State.ENDED:
        return {}
    meta = await again(lambda: front.streams.log.meta(accepted.stream_id, *FIELDS))
    return measured(meta or {})
