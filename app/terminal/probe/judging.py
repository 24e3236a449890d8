"""What a probe found, from what its readings saw and how each of them ended. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import httpx

from app.terminal.probe.promises import Breach, Promise
from app.terminal.probe.reading.busy import Busy
from app.terminal.probe.reading.connecting import EVENTS, How, Reading
from app.terminal.probe.reading.cursor import Tally
from app.terminal.probe.seen.arrivals import BUSY_SECONDS, held_back
from app.terminal.probe.seen.compared import Reference
from app.terminal.probe.seen.sightings import EVENTS_MAX, Stretch
from app.terminal.probe.targets import EVENT_SOURCE, KEEPSTREAM, Target

GIVES_UP = "a client gives up for good"
# What a server says of itself is repeated where it looks like what it is to be.
_KIND = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}", re.ASCII)
_CODING = re.compile(r"[a-z-]{1,20}", re.ASCII)
COMPARED = (Promise.GAP, Promise.DOUBLED, Promise.REORDERED, Promise.SPLICED)


@dataclass(frozen=True, slots=True)
class Found:
    """`unshown`: what could not be judged, and why."""

    breaches: tuple[Breach, ...] = ()
    unshown: dict[Promise, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    facts: dict[str, int] = field(default_factory=dict)


def judged(target: Target, tally: Tally, reference: Reference, stretches: Sequence[Stretch], busy: Busy) -> Found:
    """All of it, for a stream whose events have ids."""
    breaches = [*tally.breaches, *reference.by_itself()]
    for stretch in stretches:
        breaches += reference.compare(stretch) or filter(None, [stretch.unchained])
    notes = []
    unshown: dict[Promise, str] = {}
    if tally.resets and not tally.honoured:
        breaches.append(Breach(Promise.IDS, "no id is honoured: whoever comes back is told to begin again"))
    elif tally.resets:
        notes.append(f"a reader was told {tally.resets} times to begin again ({target.dialect} allows it)")
    elif not tally.honoured:
        unshown |= dict.fromkeys(COMPARED, "no reading went on behind an id: nothing was resumed")
    if tally.held >= EVENTS_MAX:
        notes.append(f"it was looked at no further than {EVENTS_MAX} events")
    facts = {"events": len(reference.events), "cuts": tally.cuts, "resumed": tally.honoured}
    found = Found(tuple(breaches), unshown, tuple(notes), facts)
    return with_answers(found, target, tally.readings, busy, whole=reference.whole)


def with_answers(found: Found, target: Target, readings: Sequence[Reading], busy: Busy, *, whole: bool) -> Found:
    """What is found of what was read, and of how: statuses, ends, times. `whole`: the ending was seen."""
    breaches, unshown, notes = list(found.breaches), dict(found.unshown), [*found.notes, *_notes(readings)]
    breaches += [breach for reading in readings for breach in of_one(reading, target)]
    if not whole and target.dialect != EVENT_SOURCE:
        unshown[Promise.ENDING] = "the ending was not seen"
    elif not whole:
        notes.append("the stream did not end while it was read, which is fair for a feed")
    if not target.timed:
        unshown[Promise.BUFFERING] = "not looked at"
    elif busy.late > BUSY_SECONDS:
        unshown[Promise.BUFFERING] = f"this machine was too busy to say (late by {busy.late:.1f} s)"
    else:
        late = filter(None, (lateness(reading, target) for reading in readings))
        breaches += [Breach(Promise.BUFFERING, what) for what in late]
    facts = {**found.facts, "readings": len(readings), "bytes": sum(reading.bytes for reading in readings)}
    return Found(tuple(dict.fromkeys(breaches)), unshown, tuple(notes), facts)


def refusal(reading: Reading) -> str:
    """What came in place of events."""
    if reading.status != httpx.codes.OK:
        return f"status {reading.status}"
    if reading.kind != EVENTS:
        kind = reading.kind if _KIND.fullmatch(reading.kind) else "no type that there is"
        return f"{kind} in place of {EVENTS}"
    coding = reading.coding if _CODING.fullmatch(reading.coding) else "something"
    return f"events packed as {coding}, which nobody asked for"


def of_one(reading: Reading, target: Target) -> Iterator[Breach]:
    """What a single answer shows, whatever stands in it."""
    match reading.how:
        case How.REFUSED:
            yield Breach(Promise.STATUS, f"{refusal(reading)}, where 200 or 204 is due: {GIVES_UP}")
        case How.TOO_LARGE:
            yield Breach(Promise.BOUNDS, "an event larger than 32 MiB")
        case How.OPEN:
            yield Breach(Promise.ENDING, "the connection stays open behind the ending")
        case How.SILENT if reading.status == 0:
            yield Breach(Promise.BUFFERING, f"no answer within {target.silence:.0f} s")
        case How.SILENT if target.dialect == KEEPSTREAM:
            yield Breach(Promise.BUFFERING, f"nothing for {target.silence:.0f} s, and a ping is due every 15 s")
        case How.CLEAN if reading.amid:
            yield Breach(Promise.ENDING, "a clean end in the middle of an event, which no client ever sees")
        case How.CLEAN if target.end and not reading.ended and not (target.dialect == KEEPSTREAM and reading.retry):
            yield Breach(Promise.ENDING, f"a clean end, and {target.end} had not come")
        case _:
            pass


def lateness(reading: Reading, target: Target) -> str:
    """How one sees that somebody on the way held bytes back, or ''."""
    whole = target.paced and (reading.ended or reading.how is How.CLEAN)
    return held_back(reading.arrivals, greets=target.greets, ended=whole)


def _notes(readings: Iterable[Reading]) -> Iterator[str]:
    ends = Counter(reading.how for reading in readings)
    if ends[How.BROKEN]:
        yield f"{ends[How.BROKEN]} connections broke by themselves"
    if ends[How.UNREACHABLE]:
        yield f"{ends[How.UNREACHABLE]} times nobody was there"
    away = sum(reading.how is How.CLEAN and reading.retry and not reading.ended for reading in readings)
    if away:
        yield f"{away} readers were sent away and told when to come back"
