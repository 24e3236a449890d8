"""Whether what followed an id is what follows it in a reading that was never cut: event by event, by their ids. Pure.

The rule: an event of a name that never has an id is an aside (a ping, a state), which a server may say or leave out;
all others are compared. What the uncut reading did not live to see is not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from app.terminal.probe.promises import Breach, Promise
from app.terminal.probe.seen.sightings import Seen, Stretch

RESET = "relay.reset"


class Reference:
    """The reading that was never cut. `whole`: it goes to the stream's end; `log`: every event has an id, and a reader
    without one begins where all begins, or behind a reset.
    """

    def __init__(self, seen: Sequence[Seen], *, whole: bool, log: bool = False) -> None:
        self.whole = whole
        self._log = log
        self.events = [one for one in seen if one.id is not None]
        self.asides = Counter(one.name for one in seen if one.id is None)
        self._places = {one.id: place for place, one in enumerate(self.events)}
        self._named = {one.name for one in self.events}
        self._told_apart = len(self._places) == len(self.events)

    def by_itself(self) -> Iterator[Breach]:
        """What is wrong with the ids, whatever is read again."""
        if not self.events and self.asides:
            yield Breach(Promise.IDS, f"none of {self.asides.total()} events has an id: nothing can be gone on from")
            return
        for name, count in self.asides.items():
            if self._must_have_id(name):
                what = f"{count} events {_called(name)} have no id of their own, and others have"
                yield Breach(Promise.IDS, f"{what}: a cut behind them loses or doubles them")
        for event_id, count in Counter(one.id for one in self.events).items():
            if count > 1:
                yield Breach(Promise.IDS, f"{count} events have the id {event_id}")

    def compare(self, stretch: Stretch) -> list[Breach]:
        """What of a stretch is not what it has to be."""
        return [*self._without_id(stretch), *self._walked(stretch)]

    def _beginning(self, place: int) -> int:
        """The last place up to this one where a reader of a log may begin."""
        return next((at for at in range(place, 0, -1) if self.events[at - 1].name == RESET), 0)

    def _must_have_id(self, name: str) -> bool:
        return self._log or name in self._named

    def _without_id(self, stretch: Stretch) -> Iterator[Breach]:
        names = {one.name for one in stretch.seen if one.id is None} - self.asides.keys()
        for name in sorted(filter(self._must_have_id, names)):
            yield Breach(Promise.IDS, f"a reading had an event {_called(name)} and without an id; uncut each has one")

    def _walked(self, stretch: Stretch) -> list[Breach]:
        seen = [one for one in stretch.seen if one.id is not None]
        if not self._told_apart or (stretch.after is not None and stretch.after not in self._places):
            return []
        if stretch.after is not None:
            return _Walk(self.events, self._places, self._places[stretch.after] + 1, stretch.after).over(
                seen, self, stretch
            )
        # Where a reader without an id begins is the server's to say; what came before we looked is nobody's to judge.
        start = next((number for number, one in enumerate(seen) if one.id in self._places), len(seen))
        place = self._places[seen[start].id] if start < len(seen) else len(self.events)
        if self._log and (start < len(seen) or stretch.ended):
            place = self._beginning(place)
        return _Walk(self.events, self._places, place, None).over(seen[start:], self, stretch)


class _Walk:
    """One stretch beside the events that it has to be; `place` is where the next one stands among these."""

    def __init__(self, events: Sequence[Seen], places: dict[str | None, int], place: int, behind: str | None) -> None:
        self._events = events
        self._places = places
        self._place = place
        self._behind = behind
        self._late: set[int] = set()

    def over(self, seen: Sequence[Seen], reference: Reference, stretch: Stretch) -> list[Breach]:
        last = {self._places[one.id]: number for number, one in enumerate(seen) if one.id in self._places}
        known = max(last.values(), default=-1)
        broken: list[Breach] = []
        for number, one in enumerate(seen):
            found = self._places.get(one.id)
            if found is None:
                if not reference.whole and number > known:
                    return broken  # it goes further than the uncut reading did
                broken.append(self._breach(Promise.SPLICED, f"came {one.id}, which the uncut reading has not"))
                continue
            if self._events[found] != one:
                broken.append(Breach(Promise.SPLICED, f"{one.id} says something else than in the uncut reading"))
            if found in self._late:
                self._late.discard(found)
            elif found < self._place:
                ignored = ": the id was ignored" if found == number == 0 and stretch.after else ""
                broken.append(self._breach(Promise.DOUBLED, f"came {one.id} again{ignored}"))
            else:
                broken += self._skipped(
                    found, one, {place for place in range(self._place, found) if last.get(place, -1) > number}
                )
                self._place = found + 1
            self._behind = one.id
        if stretch.ended and self._place < len(self._events):
            missed = _events(len(self._events) - self._place)
            broken.append(self._breach(Promise.GAP, f"came the ending: {missed} left out"))
        return broken

    def _skipped(self, found: int, one: Seen, late: set[int]) -> Iterator[Breach]:
        """What stands between where we are and what came; `late`: the places there of what comes later."""
        self._late |= late
        if late:
            yield self._breach(Promise.REORDERED, f"came {one.id}, and what stands before it later")
        if missed := found - self._place - len(late):
            yield self._breach(Promise.GAP, f"came {one.id}: {_events(missed)} left out")

    def _breach(self, promise: Promise, what: str) -> Breach:
        where = "at the beginning" if self._behind is None else f"behind {self._behind}"
        return Breach(promise, f"{where} {what}")


def _events(count: int) -> str:
    return "one event" if count == 1 else f"{count} events"


def _called(name: str) -> str:
    return f"called {name}" if name else "without a name"
