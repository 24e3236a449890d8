"""What is told of a stream, on its way into the timeline that is kept with its meta: the hook of those who write there.

The rule: who writes into a stream's meta anyway takes along what is waiting for it (`noted`), and knows nobody who has
left it there. Nobody writes for a timeline's sake, and nobody waits for one: where no timelines are kept there is
nothing, and what nobody takes is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a timeline, without the time: `at` is by the clock of the process (`time.monotonic`), in seconds.

    `id` is its own: a line that is written again is known by it. `fields` are JSON, an object of words and numbers of
    ours.
    """

    at: float
    id: str
    event: str
    fields: str


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the readers of a stream did on a front, in words and numbers, from `since` until (`time.monotonic`)."""

    stream_id: str
    since: float
    until: float
    counts: tuple[tuple[str, int], ...]


class Notes(Protocol):
    """Who keeps timelines. Nothing here may block or raise."""

    def note(self, event: str, **fields: str | int) -> tuple[Note, ...]:
        """What is written by the script that does it."""

    def noted(self, stream_id: str) -> tuple[Note, ...]:
        """What is waiting for a stream, which is handed out once."""

    def crowds(self, most: int) -> Sequence[Crowd]:
        """Where readers came and went, which is handed out once; of no more streams than `most`."""


class _Keeping:
    """The one of this process."""

    notes: Notes | None = None


@contextmanager
def keeping(notes: Notes | None) -> Iterator[None]:
    """Within, timelines are kept by this one, or by nobody."""
    before, _Keeping.notes = _Keeping.notes, notes
    try:
        yield
    finally:
        _Keeping.notes = before


def note(event: str, **fields: str | int) -> tuple[Note, ...]:
    """For a script that itself is what happens."""
    return () if _Keeping.notes is None else _Keeping.notes.note(event, **fields)


def noted(stream_id: str) -> tuple[Note, ...]:
    """For a script that is on its way anyway."""
    return () if _Keeping.notes is None else _Keeping.notes.noted(stream_id)


def crowds(most: int) -> Sequence[Crowd]:
    """For a pipeline that is on its way anyway."""
    return () if _Keeping.notes is None else _Keeping.notes.crowds(most)
