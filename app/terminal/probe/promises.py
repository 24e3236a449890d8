"""What a server of streams promises, one word for each promise, and what is said of those that were broken. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

# Of a server that breaks one promise in every reading nobody wants to read all of them.
SAID_MAX = 3


class Promise(StrEnum):
    STATUS = "status"
    GAP = "gap"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    SPLICED = "spliced"
    IDS = "ids"
    ENDING = "ending"
    BUFFERING = "buffering"
    BOUNDS = "bounds"


KEPT = {
    Promise.STATUS: "every answer had a status with which a client goes on",
    Promise.GAP: "nothing was left out",
    Promise.DOUBLED: "nothing came twice",
    Promise.REORDERED: "everything came in its order",
    Promise.SPLICED: "everything was the same in each reading",
    Promise.IDS: "each event has an id of its own",
    Promise.ENDING: "no clean end came before the ending",
    Promise.BUFFERING: "events came as they were made",
    Promise.BOUNDS: "nothing was larger than one can hold",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was broken, and by what."""

    promise: Promise
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`unshown`: what could not be judged, and why. `notes`: what is no breach, and worth a word."""

    address: str
    dialect: str
    seed: int
    facts: dict[str, int]
    breaches: tuple[Breach, ...] = ()
    unshown: dict[Promise, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    judged: Collection[Promise] = tuple(Promise)

    @property
    def broken(self) -> list[Promise]:
        found = {breach.promise for breach in self.breaches}
        return [promise for promise in self.judged if promise in found]

    def of(self, promise: Promise) -> list[str]:
        """What broke it."""
        return [breach.what for breach in self.breaches if breach.promise is promise]
