"""What was promised of each canary, and whether it held: by the bytes that its readers were given. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.terminal.drill.reader_story import Story
from app.terminal.probe.seen.compared import Reference
from app.terminal.probe.seen.sightings import Seen, Stretch


class Guarantee(StrEnum):
    G1 = "G1"
    G2 = "G2"
    G3 = "G3"
    G4 = "G4"
    G5 = "G5"
    G6 = "G6"
    EDGE = "edge"


SAYS = {
    Guarantee.G1: "what a reader saw between two resets is one piece of the log",
    Guarantee.G2: "who came back was given exactly what follows",
    Guarantee.G3: "every accepted stream had its one ending, in time",
    Guarantee.G4: "nothing followed an ending, and it is still the same",
    Guarantee.G5: "the same key and body gave the same stream, another body was refused",
    Guarantee.G6: "what is called completed is complete",
    Guarantee.EDGE: "no reader had a status or an end with which an EventSource gives up",
}


@dataclass(frozen=True, slots=True)
class Broken:
    guarantee: Guarantee
    what: str


@dataclass(slots=True)
class Sight:
    """What one reader has of a canary, and how it came by it."""

    stretches: list[Stretch]
    story: Story
    over: bool


@dataclass(slots=True)
class Canary:
    """`text`: what a simulated Claude has to answer, '' where nobody knows; `replayed`: what a reader is given who
    comes when all is over.
    """

    stream_id: str
    text: str
    sights: list[Sight] = field(default_factory=list)
    replayed: Sight | None = None

    @property
    def again(self) -> int:
        """How often it was begun anew, as far as anybody saw."""
        return max((sight.story.again for sight in self.sights), default=0)


def judge(canary: Canary, patience: float) -> Iterator[Broken]:
    """All but G5, which is known when it is submitted."""
    name = canary.stream_id
    late = sum(not sight.over for sight in canary.sights)
    if late:
        yield Broken(Guarantee.G3, f"{name}: {late} of its readers saw no ending within {patience:.0f} s")
    for sight in canary.sights:
        for stretch in sight.stretches:
            if stretch.unchained is not None:
                guarantee = Guarantee.G1 if stretch.after is None else Guarantee.G2
                yield Broken(guarantee, f"{name}: {stretch.unchained.what}")
        if sight.story.endings > 1:
            yield Broken(Guarantee.G3, f"{name}: {sight.story.endings} endings")
    if canary.replayed is None or not canary.replayed.over:
        yield Broken(Guarantee.G3, f"{name}: it cannot be read when it should have ended")
        return
    yield from _compared(canary, canary.replayed)
    yield from _complete(canary, canary.replayed.story)


def _compared(canary: Canary, replayed: Sight) -> Iterator[Broken]:
    """Every reader has, since the last reset, what is in the log."""
    reference = Reference(newest(replayed.stretches), whole=True)
    for sight in canary.sights:
        if not sight.over:
            continue
        for breach in reference.compare(Stretch(None, newest(sight.stretches), ended=True)):
            yield Broken(Guarantee.G1, f"{canary.stream_id}: {breach.what}")
        if sight.story.end != replayed.story.end:
            yield Broken(Guarantee.G4, f"{canary.stream_id}: its ending is another one now")


def _complete(canary: Canary, story: Story) -> Iterator[Broken]:
    if story.outcome == "completed" and not story.stopped:
        yield Broken(Guarantee.G6, f"{canary.stream_id}: completed, and Claude had not said that it stops")
    if story.outcome == "completed" and canary.text and "".join(story.text) != canary.text:
        yield Broken(Guarantee.G6, f"{canary.stream_id}: completed, with another text than the simulated Claude gives")


def newest(stretches: Sequence[Stretch]) -> list[Seen]:
    """What stands since the newest attempt began."""
    fresh = max((place for place, one in enumerate(stretches) if one.after is None), default=0)
    seen = [one for stretch in stretches[fresh:] for one in stretch.seen]
    reset = max((place for place, one in enumerate(seen) if one.name == "relay.reset"), default=-1)
    return seen[reset + 1 :]


def still(canary: Canary, again: Sight) -> Iterator[Broken]:
    """Whether it is at the end of all what it was when it had ended."""
    if canary.replayed is not None and newest(again.stretches) != newest(canary.replayed.stretches):
        yield Broken(Guarantee.G4, f"{canary.stream_id}: it is not what it was when it had ended")
