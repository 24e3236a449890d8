"""The one ending: its outcomes and the shape of `relay.end`.

Pure. A worker writes it, or the front for a stream that still waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a stream can end."""

    COMPLETED = "completed"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Withdrawn(StrEnum):
    """What a withdrawal can come to. `KEPT`: another request was told of the stream."""

    WITHDRAWN = "withdrawn"
    RUNNING = "running"
    ENDED = "ended"
    KEPT = "kept"


# An answer that ends so is whole: its `message_stop` has come.
WHOLE = frozenset({Outcome.COMPLETED, Outcome.TRUNCATED, Outcome.REFUSED})


def is_withheld(meta: Mapping[str, bytes]) -> bool:
    """Whether readers are shown nothing of an answer: it is to be shown whole or not at all, and is not whole (yet).

    `meta` has its stream's `delivery` and `outcome`, as far as they are set.
    """
    return meta.get("delivery") == b"final" and meta.get("outcome", b"").decode() not in WHOLE


def end_data(
    outcome: Outcome,
    *,
    attempts: int,
    stop_reason: str | None = None,
    usage: dict[str, Any] | None = None,
    cost_usd: float | None = None,
    error: dict[str, str] | None = None,
    estimated: bool = False,
    cached_from: str = "",
    turns: int | None = None,
) -> dict[str, Any]:
    """The data of `relay.end`. `attempts` counts the calls that the upstream took; `error` is `{"type", "message"}`.

    `cost_usd` is of all calls; `estimated`: nobody counted the output in `usage`; `cached_from`: the
    stream whose answer it is; `turns`: how many answers it is made of, None where no tools were asked
    for.
    """
    data: dict[str, Any] = {
        "outcome": outcome,
        "stop_reason": stop_reason,
        "usage": usage,
        "cost_usd": cost_usd,
        "attempts": attempts,
    }
    if turns is not None:
        data["turns"] = turns
    if cached_from:
        data["cached_from"] = cached_from
    if estimated:
        data["estimated"] = True
    if error is not None:
        data["error"] = error
    return data
