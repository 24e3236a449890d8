"""A stream as it is: what a front says beside the log's own frames, and what it says of the stream.

Pure, but for the jitter. The rule: nothing that is said beside the log has an id, so none of it moves a client's place.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from app.fanout.audience import Ping
from app.stream.asides import Asked, Said, status_of
from app.stream.conversations.turns import iso
from app.stream.endings import is_withheld
from app.stream.frames import unlogged
from app.stream.ledger.lines import calls_of
from app.stream.log import State
from app.stream.opinions.opinions import told
from app.stream.saved.saved_calls import CACHED_FROM, SHARED_WITH

RETRY_MS = 1000
PING = b": ping\n\n"
# When whoever comes in a bad moment comes back: not all together.
AWAY_MS = (700, 1300)
# And who is one reader too many, and waits for another to leave.
CROWDED_MS = 10_000

_TIMES = ("created_at", "started_at", "ended_at")
_JSON = ("usage", "cost_usd", "error", "metadata")
_FLAGS = ("partial", "estimated")
# Whose answer it was given.
_GIVEN = (CACHED_FROM, SHARED_WITH)
# The fields of a stream's meta that are shown.
SHOWN_FIELDS = (
    "attempt",
    "model",
    "outcome",
    "stop_reason",
    "calls",
    "feedback",
    "delivery",
    *_GIVEN,
    *_FLAGS,
    *_TIMES,
    *_JSON,
)


def opening(stream_id: str, retry_ms: int = RETRY_MS) -> bytes:
    """How every answer begins: one block, because some clients see an event in a `retry:` of its own."""
    return b"retry: %d\n: stream %b\n\n" % (retry_ms, stream_id.encode())


def reset_event(reason: str, attempt: int) -> bytes:
    return unlogged("relay.reset", {"attempt": attempt, "reason": reason})


@lru_cache(maxsize=32)
def beside(said: Said | Ping) -> bytes:
    """What is said while a stream has nothing to show; written once for all its readers."""
    match said:
        case Ping():
            return PING
        case Asked(data):
            return unlogged("relay.approval", orjson.Fragment(data))
        case _:
            return unlogged("relay.status", status_of(said))


def leave_block(retry_ms: int) -> bytes:
    """What a reader is left with that is to come back: when, and a comment; one block, no blank line between."""
    return b"retry: %d\n: come back\n\n" % retry_ms


def away() -> bytes:
    """The whole answer to a reader who comes while Redis is away, or the front drains."""
    return leave_block(random.randrange(*AWAY_MS))  # noqa: S311 - jitter, not a secret


def crowded() -> bytes:
    """The whole answer to a reader who is one too many of its owner's on this front."""
    return b"retry: %d\n: too many readers\n\n" % CROWDED_MS


def shown(
    stream_id: str, state: State, meta: Mapping[str, bytes], last_id: str | None, place: int | None
) -> dict[str, Any]:
    """What a stream is, but for its Message; `place` in the line, where it has one."""
    data: dict[str, Any] = {
        "id": stream_id,
        "state": state,
        "attempt": int(meta.get("attempt", b"0")),
        "offset": last_id,
    }
    if place is not None:
        data["position"] = place
    data["model"] = meta.get("model", b"").decode()
    for name in _TIMES:
        data[name] = iso(int(meta[name])) if name in meta else None
    for name in ("outcome", "stop_reason"):
        if name in meta:
            data[name] = meta[name].decode() or None
    data |= {name: meta[name].decode() for name in _GIVEN if meta.get(name)}
    for name in _JSON:
        if name in meta:
            data[name] = orjson.Fragment(meta[name] or b"null")
    data["calls"] = orjson.Fragment(calls_of(meta.get("calls"), 0, "").shown())
    if "feedback" in meta:
        data["feedback"] = told(meta["feedback"])
    flags = ("estimated",) if is_withheld(meta) else _FLAGS
    return data | {name: True for name in flags if name in meta}
