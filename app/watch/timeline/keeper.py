"""The observer that keeps timelines: events in, lines out to whoever writes into a stream's meta anyway.

The rule: a line has an event's ids, words, numbers and times, and nothing else; nothing is asked of Redis for it. What
waits here is bounded, and forgotten where nobody takes it: a stream that is somebody else's by now, or has ended. What
says the same of a later moment takes the place of what waits. While Redis has no room it is given nothing: a timeline
is no reason to grow.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import orjson

from app.stream.observing import Event, RedisRefused
from app.stream.timeline.noting import Crowd, Note
from app.watch.events import of_fronts, of_streams

# Of a stream nobody writes for, so much waits: then what is in the middle goes.
WAITING_MAX = 64
# Streams for which something waits; the longest known goes.
STREAMS_MAX = 10_000
# After a write that Redis had no room for.
FULL_SECONDS = 5.0

T = TypeVar("T")
Fields = dict[str, str | int | float | bool]
_Line = tuple[str, Fields]
_OfReaders = of_fronts.ReaderJoined | of_fronts.ReaderLeft | of_fronts.ReaderServed | of_fronts.ReaderReset


class _Gathered:
    """What readers of a stream did since it was last said."""

    def __init__(self, since: float) -> None:
        self.since = self.until = since
        self.counts = Counter[str]()


class Timelines:
    """Those of a front, which tells of readers, or of a worker, which tells of all else (`noting.Notes`)."""

    def __init__(self, kind: Literal["front", "worker"], clock: Callable[[], float] = time.monotonic) -> None:
        self._lines: dict[type[Event], Callable[[Any], _Line]] = _LINES if kind == "worker" else {}
        self._clock = clock
        self._process = secrets.token_hex(3)
        self._numbers = itertools.count(1)
        self._waiting: dict[str, list[tuple[float, str, Fields]]] = {}
        self._crowds: dict[str, _Gathered] = {}
        self._full_until = 0.0

    def told(self, event: Event) -> None:
        if (line := self._lines.get(type(event))) is not None:
            self._wait(event.of.stream_id, *line(event))  # type: ignore[attr-defined]  # the table has streams' alone
        elif isinstance(event, _OfReaders):
            self._crowd(event)
        elif isinstance(event, RedisRefused) and event.code == "OOM":
            self._full_until = self._clock() + FULL_SECONDS
        elif isinstance(event, of_streams.Claimed | of_streams.Ended | of_streams.LeaseLost):
            self._waiting.pop(event.of.stream_id, None)

    # --- what the writers ask

    def note(self, event: str, **fields: str | int) -> tuple[Note, ...]:
        return () if self._full else (self._note(self._clock(), event, dict(fields)),)

    def noted(self, stream_id: str) -> tuple[Note, ...]:
        if stream_id not in self._waiting or self._full:  # the first is what every append asks
            return ()
        return tuple(self._note(*line) for line in self._waiting.pop(stream_id))

    def crowds(self, most: int) -> Sequence[Crowd]:
        found = list(itertools.islice(self._crowds.items(), most))
        for stream_id, _ in found:
            del self._crowds[stream_id]
        return [Crowd(stream_id, one.since, one.until, tuple(one.counts.items())) for stream_id, one in found]

    # --- what waits

    @property
    def _full(self) -> bool:
        return self._full_until > 0 and self._clock() < self._full_until

    def _note(self, at: float, event: str, fields: Fields) -> Note:
        return Note(at, f"{self._process}.{next(self._numbers)}", event, orjson.dumps(fields).decode())

    def _wait(self, stream_id: str, event: str, fields: Fields) -> None:
        now, lines = self._clock(), _of(self._waiting, stream_id, list)
        if lines and event in _GOES_ON:
            since, before, known = lines[-1]
            if before == event and known["attempt"] == fields["attempt"]:
                lines[-1] = _GOES_ON[event](since, now, fields)
                return
        lines.append((now, event, fields))
        if len(lines) > WAITING_MAX:
            del lines[WAITING_MAX // 2]

    def _crowd(self, event: _OfReaders) -> None:
        if not event.of.stream_id.startswith("st_"):  # a conversation has readers, too
            return
        now = self._clock()
        gathered = _of(self._crowds, event.of.stream_id, lambda: _Gathered(now))
        gathered.until, counts = now, gathered.counts
        match event:
            case of_fronts.ReaderJoined():
                counts["resumed" if event.resumed else "came"] += 1
            case of_fronts.ReaderLeft():
                counts[event.reason if event.reason in _LEFT else "left"] += 1
            case of_fronts.ReaderServed():
                counts["resumed" if event.resumed else "came"] += 1
                counts["ended"] += 1
            case of_fronts.ReaderReset():
                counts["reset"] += event.readers


# Why a reader leaves, apart from leaving by itself.
_LEFT = ("ended", "lost", "drained")


def _of(streams: dict[str, T], stream_id: str, make: Callable[[], T]) -> T:
    """What waits for a stream; the one that is known for longest makes room for one too many."""
    if stream_id not in streams:
        if len(streams) >= STREAMS_MAX:
            del streams[next(iter(streams))]
        streams[stream_id] = make()
    return streams[stream_id]


def _still_silent(_since: float, now: float, fields: Fields) -> tuple[float, str, Fields]:
    """The silence is counted from its begin."""
    return now, "stream.silent", fields


def _still_held(since: float, now: float, fields: Fields) -> tuple[float, str, Fields]:
    """It waits since then, and for longer."""
    seconds = _seconds(now - since + float(fields["seconds"]))
    return since, "stream.held", fields | {"seconds": seconds}


_GOES_ON = {"stream.silent": _still_silent, "stream.held": _still_held}


def _seconds(seconds: float) -> float:
    return round(seconds, 3)


def _call_ended(event: of_streams.CallEnded) -> _Line:
    fields: Fields = {"attempt": event.attempt, "status": event.status, "seconds": _seconds(event.seconds)}
    more = {"reason": event.reason, "upstream_request_id": event.upstream_request_id}
    return "call.ended", fields | {name: value for name, value in more.items() if value}


def _again(name: str) -> Callable[[of_streams.Retried | of_streams.Restarted], _Line]:
    return lambda event: (
        name,
        {"attempt": event.attempt, "reason": event.reason, "wait_seconds": _seconds(event.wait_seconds)},
    )


_LINES: dict[type[Event], Callable[[Any], _Line]] = {
    of_streams.TakenOver: lambda e: (
        "stream.taken_over",
        {"cause": e.cause, "attempt": e.attempt, "content": e.content},
    ),
    of_streams.Held: lambda e: (
        "stream.held",
        {"attempt": e.attempt, "seconds": _seconds(e.seconds), "parked": e.parked},
    ),
    of_streams.CallStarted: lambda e: ("call.started", {"attempt": e.attempt, "model": e.model}),
    of_streams.CallEnded: _call_ended,
    of_streams.FirstContent: lambda e: (
        "stream.first_content",
        {"attempt": e.attempt, "since_call_seconds": _seconds(e.since_call_seconds)},
    ),
    of_streams.Silent: lambda e: ("stream.silent", {"attempt": e.attempt, "seconds": _seconds(e.seconds)}),
    of_streams.Retried: _again("call.retried"),
    of_streams.Restarted: _again("stream.restarted"),
    of_streams.ToolRan: lambda e: (
        "tool.ran",
        {"attempt": e.attempt, "tool": e.tool, "seconds": _seconds(e.seconds), "failed": e.failed},
    ),
    of_streams.PersonAsked: lambda _: ("stream.waits_for_person", {}),
    of_streams.ToolDecided: lambda e: ("tool.decided", {"approved": e.approved}),
    of_streams.CancelAsked: lambda e: ("stream.cancel_asked", {"by": e.by}),
    of_streams.AppendRefused: lambda e: ("stream.append_refused", {"status": e.status}),
}
