"""A timeline as it stands in Redis: what `scripts/log/story.lua` and `readers.lua` write, and what is read of it.

Pure. The rule: a line that cannot be read is left out, and never an error: another version may have written it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from app.stream.timeline.noting import Note


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened at `at`, in ms of Redis' clock. `event` is called as in the log."""

    at: int
    event: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gathering:
    """What readers did on some front from `since` to `until`, in ms of Redis' clock, as words and numbers."""

    since: int
    until: int
    counts: dict[str, int]


def told(notes: Iterable[Note], now: float) -> str:
    """The lines for a script; `now` is by the clock of the notes. Made anew with each try, because it says how old."""
    return "".join(f"{max(round((now - note.at) * 1000), 0)} {note.id} {note.event} {note.fields}\n" for note in notes)


def entries(field: bytes) -> tuple[list[Entry], int]:
    """Those of the field `timeline`, as they were written, and how many were left out for want of room."""
    head, _, body = field.partition(b"\n")
    return list(_entries(body)), int(head) if head.isdigit() else 0


def _entries(body: bytes) -> Iterator[Entry]:
    for line in body.splitlines():
        try:
            at, _, event, fields = line.split(b" ", 3)
            found = orjson.loads(fields)
            if isinstance(found, dict):
                yield Entry(int(at), event.decode(), found)
        except ValueError:
            continue


def gatherings(field: bytes) -> Iterator[Gathering]:
    """Those of the field `readers`."""
    for line in field.splitlines():
        try:
            since, until, *counts = line.decode().split(" ")
            pairs = (count.partition("=") for count in counts)
            yield Gathering(int(since), int(until), {word: int(number) for word, _, number in pairs})
        except ValueError:
            continue
