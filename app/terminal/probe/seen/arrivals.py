"""When the bytes of a reading came, and whether somebody held them back. Pure.

The rule: it judges only what cannot be anything else: a head or a first byte that is due at once and came late, or a
whole answer that came in one lump behind a long silence. What our own machine was too busy to see is not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

# A head, and where a server greets at once its first byte.
FIRST_SECONDS = 5.0
# A lump: so many events within so short a time behind such a silence, and nothing else.
LUMP_EVENTS = 10
LUMP_SECONDS = 0.05
SILENCE_SECONDS = 2.0
# We were late ourselves by more than this: what we saw of times is worth nothing.
BUSY_SECONDS = 0.5


@dataclass(slots=True)
class Arrivals:
    """Times of the loop's clock."""

    asked: float
    head: float | None = None
    first: float | None = None
    last: float | None = None
    first_event: float | None = None
    events: int = 0

    def took(self, now: float, events: int) -> None:
        """A piece came, with so many events in it."""
        self.first = now if self.first is None else self.first
        self.last = now
        if events:
            self.first_event = now if self.first_event is None else self.first_event
            self.events += events


def held_back(arrivals: Arrivals, *, greets: bool, ended: bool) -> str:
    """How one sees that bytes were held back, or ''. `greets`: the first byte is due at once; `ended`: all came."""
    if arrivals.head is not None and arrivals.head - arrivals.asked > FIRST_SECONDS:
        return f"the head of the answer came after {arrivals.head - arrivals.asked:.1f} s"
    if greets and arrivals.first is not None and arrivals.first - arrivals.asked > FIRST_SECONDS:
        return f"the first byte came after {arrivals.first - arrivals.asked:.1f} s; it is due at once"
    if arrivals.first_event is None or arrivals.last is None or not ended or arrivals.events < LUMP_EVENTS:
        return ""
    silence, lump = arrivals.first_event - arrivals.asked, arrivals.last - arrivals.first_event
    if silence > SILENCE_SECONDS and lump < LUMP_SECONDS:
        return f"nothing for {silence:.1f} s, then all {arrivals.events} events at once: something holds them back"
    return ""
