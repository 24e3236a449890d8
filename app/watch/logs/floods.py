"""Lines that whoever reaches a front causes by asking: how many of them are written.

The rule: a stranger fills no disk, and pushes no other line out of the log. Of each such line a thousand are said at
once and a hundred a second beyond; what is left out is counted, and said once a second with the lines that are written.
What is `debug`, which an operator asks for, is not counted here.
"""

from __future__ import annotations

import time
from collections import Counter

from app.stream.observing import Event
from app.watch.events import of_fronts, of_processes, of_streams

SHORTENED = "log.shortened"
AT_ONCE, A_SECOND = 1000, 100
TOLD_SECONDS = 1.0

# What is told of any request, whether or not its sender has a right, and of what stays broken for each who asks.
FOR_THE_ASKING: tuple[type[Event], ...] = (
    of_fronts.RequestServed,
    of_fronts.CallerRefused,
    of_fronts.ReaderTurnedAway,
    of_fronts.UpstreamKeyRefused,
    of_fronts.UpstreamUnreachable,
    of_fronts.HistoryUncounted,
    of_fronts.ScreenFailed,
    of_streams.Refused,
    of_processes.Fault,
)


class Floods:
    """Counted by the names of lines, which are ours and few."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}  # how many may be said at once, and since when
        self._left_out = Counter[str]()
        self._told_at = 0.0

    def is_one_too_many(self, name: str) -> bool:
        """Whether such a line is left out; if not, it counts as said."""
        now = time.monotonic()
        left, since = self._left.get(name, (float(AT_ONCE), now))
        left = min(left + (now - since) * A_SECOND, float(AT_ONCE))
        too_many = left < 1
        if too_many:
            self._left_out[name] += 1
        self._left[name] = (left if too_many else left - 1, now)
        return too_many

    def left_out(self) -> list[tuple[str, int]]:
        """What was left out and has not been told, by name, where it is time to; it counts as told."""
        if not self._left_out or time.monotonic() - self._told_at < TOLD_SECONDS:
            return []
        found = list(self._left_out.items())
        self._left_out.clear()
        self._told_at = time.monotonic()
        return found
