"""How long an upstream may be silent, and what is said of it meanwhile.

The rule: silence is not death. While pings come, the upstream lives and thinks, for minutes; when nothing comes at all,
it is gone. Pure: every moment is handed in, in seconds of one clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.settings import Settings
from app.stream.asides import TELL_SECONDS
from worker.life.interrupt import Why
from worker.upstream import failure

# What such a silence is as a failure.
FAILURES = {Why.STALLED: failure.STALLED, Why.SILENT: failure.SILENT}
# A look that comes so much too late finds a process that was stopped, or a loop that was held: no silence of theirs.
# What came meanwhile is yet to be read, and has as long for that.
LATE_SECONDS = 0.5
# Two looks are never closer: a rounded moment must not come round again and again.
LOOK_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Timeouts:
    """`stall`: without any byte; `silent`: with pings alone. Seconds, as is `tell`: how often it is said."""

    stall: float
    silent: float
    tell: float = TELL_SECONDS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done now: `over` is why the call is to end, `told` how many seconds of silence are to be said.

    `beat` is the moment that this was due, `again` when to look the next time.
    """

    over: Why | None
    told: float | None
    beat: float
    again: float


def timeouts_of(settings: Settings) -> Timeouts:
    return Timeouts(settings.stall_timeout, settings.silent_timeout)


def unheard(*, now: float, due: float) -> float:
    """For how many seconds nobody here could hear anything, where a look that was due comes now; 0 for an ordinary one.

    The time that it takes to hear what came meanwhile counts along: by the rest alone, a call whose silence was looked
    for just now would be over before a byte of it can be read.
    """
    late = now - due
    return late + LATE_SECONDS if late > LATE_SECONDS else 0.0


def judge(timeouts: Timeouts, *, now: float, heard: float, stirred: float, beat: float) -> Verdict:
    """`heard` was the last event but pings, `stirred` the last byte of any kind, `beat` the last one that was told.

    Beats are counted from the silence's begin, not from when somebody looked.
    """
    if now >= stirred + timeouts.stall:
        return Verdict(Why.STALLED, None, beat, now)
    if now >= heard + timeouts.silent:
        return Verdict(Why.SILENT, None, beat, now)
    beats = (now - heard) // timeouts.tell
    due = heard + beats * timeouts.tell
    again = min(stirred + timeouts.stall, heard + timeouts.silent, heard + (beats + 1) * timeouts.tell)
    again = max(again, now + LOOK_SECONDS)
    if beats >= 1 and due > beat and stirred > heard:
        return Verdict(None, now - heard, due, again)
    return Verdict(None, None, beat, again)
