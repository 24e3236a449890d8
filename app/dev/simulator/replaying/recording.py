"""A file with what an upstream said, as messages whose bytes are played again. Pure.

The rule: a byte of the file is a byte on the wire, whatever it says: what no upstream should send is what one wants to
play. The only thing that is read of it is where an event ends and a message begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.dev.simulator.answer.events import Frame
from app.dev.simulator.faults import Ending, Rest, Step
from app.dev.simulator.reply import Pace

_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.DOTALL)
_STARTS = re.compile(rb"^event: ?message_start\s*$", re.MULTILINE)
_DELIVERS = re.compile(rb"^event: ?content_block_delta\s*$", re.MULTILINE)
# What `keepstream capture --times` writes on top; a comment to everybody else.
_TIMES = re.compile(rb"\A: first_ms=(\d{1,9}) total_ms=(\d{1,9})\n\n")
HALF = 0.5


class RecordingError(ValueError):
    """The file says nothing; the message says so."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was said in one call, event by event as it stood, and when, where that is known: the seconds to the first
    piece of content, and to the end.
    """

    events: Sequence[bytes]
    times: tuple[float, float] | None = None

    @property
    def bytes(self) -> int:
        return sum(map(len, self.events))

    @property
    def pieces(self) -> int:
        """How many events bring content."""
        return sum(map(_delivers, self.events))

    def pace(self, asked: Pace | None, usual: Pace) -> Pace:
        """`asked` where one is; else as it was recorded; else the usual."""
        if asked is not None or self.times is None:
            return asked or usual
        first, total = self.times
        return Pace((self.pieces - 1) / (total - first) if total > first else 0.0, first)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with what is played: `cut` after so much of its bytes (0 to 1), `stall` seconds of silence, there
    or halfway.
    """

    cut: float | None = None
    stall: float = 0.0


def recordings(file: bytes) -> list[Recording]:
    """The messages of a file, in their order. Raises `RecordingError`."""
    times = None
    if found := _TIMES.match(file):
        times, file = (int(found[1]) / 1000, int(found[2]) / 1000), file[found.end() :]
    messages: list[list[bytes]] = [[]]
    for event in (event for event in _EVENT.findall(file) if event):
        if _STARTS.search(event) and messages[-1]:
            messages.append([])
        messages[-1].append(event)
    if not any(line.startswith((b"event:", b"data:")) for line in file.splitlines()):
        raise RecordingError("there is no event in it")
    return [Recording(events, times) for events in messages]


def steps(recording: Recording, fault: Fault | None) -> Iterator[Step]:
    """What is played of it, and when it goes wrong."""
    if fault is None:
        yield from map(_frame, recording.events)
        return
    place, sent = int(recording.bytes * (HALF if fault.cut is None else fault.cut)), 0
    for number, event in enumerate(recording.events):
        left = place - sent
        if left >= len(event):
            sent += len(event)
            yield _frame(event)
            continue
        if left:
            yield event[:left], _delivers(event)
        if fault.stall:
            yield Rest(fault.stall, pings=False)
        if fault.cut is not None:
            yield Ending.RESET
            return
        yield event[left:], 0
        yield from map(_frame, recording.events[number + 1 :])
        return
    if fault.stall:
        yield Rest(fault.stall, pings=False)
    yield Ending.RESET


def _frame(event: bytes) -> Frame:
    return event, _delivers(event)


def _delivers(event: bytes) -> int:
    return 1 if _DELIVERS.search(event) else 0
