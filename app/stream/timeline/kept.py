"""A timeline as the meta has it, and what fronts add of their readers.

The rule: what stands in the meta anyway (when it was submitted, how it ended) is not written a second time; a stream of
which nothing was kept has what its meta tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from redis.asyncio.client import Pipeline

from app.stream import keys
from app.stream.log import State
from app.stream.scripts import source
from app.stream.timeline.entries import Entry, Gathering, entries, gatherings
from app.stream.timeline.noting import Crowd

_TIMELINE, _READERS = "timeline", "readers"
# The fields of a stream's meta that its timeline is made of: no answer, and nothing of the prompt.
FIELDS = (
    *("state", "created_at", "waiting", "ended_at", "model", "outcome", "stop_reason", "usage", "cost_usd", "error"),
    *("failure", "attempts", "attempt", "content", "cached_from", "shared_with", _TIMELINE, _READERS),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a stream; `left_out` lines are not."""

    state: State
    meta: Mapping[str, bytes]
    entries: list[Entry]
    left_out: int
    readers: list[Gathering]


def kept_of(meta: Mapping[str, bytes]) -> Kept:
    """Of the `FIELDS` that there are."""
    found, left_out = entries(meta.get(_TIMELINE, b""))
    return Kept(State(meta["state"].decode()), meta, found, left_out, list(gatherings(meta.get(_READERS, b""))))


def add_crowd(pipe: Pipeline, crowd: Crowd, now: float) -> None:
    """Adds what readers did to what is sent anyway; `now` is by the clock of `crowd`. Its reply is nobody's."""
    counts = [str(part) for count in crowd.counts for part in count]
    ages = [str(max(round((now - at) * 1000), 0)) for at in (crowd.since, crowd.until)]
    # Whole: it is sent now and then, and a script that Redis has forgotten would take a second trip.
    pipe.eval(source("log/readers"), 1, keys.meta(crowd.stream_id), *ages, *counts)
