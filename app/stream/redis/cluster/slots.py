"""Which node has which slot, as a cluster says it, and what it says to who asks the wrong one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from app.stream.redis.refusals import refusal_of

SLOTS: int = REDIS_CLUSTER_HASH_SLOTS

# Where a node is reached.
Place = tuple[str, int]


@dataclass(frozen=True)  # without slots: what follows from its many owners is reckoned once
class Map:
    """The primary of each slot; None for a slot that nobody has."""

    owners: tuple[Place | None, ...] = (None,) * SLOTS

    @cached_property
    def primaries(self) -> tuple[Place, ...]:
        """In an order that stays."""
        return tuple(sorted({owner for owner in self.owners if owner is not None}))

    @cached_property
    def missing(self) -> int:
        """How many slots nobody has."""
        return sum(owner is None for owner in self.owners)

    def moved(self, slot: int, to: Place) -> Map:
        return Map((*self.owners[:slot], to, *self.owners[slot + 1 :]))


def map_of(reply: Iterable[Sequence[Any]], asked: Place) -> Map:
    """What `CLUSTER SLOTS` says, asked of the node at `asked`: one that does not know its own name has that one."""
    owners: list[Place | None] = [None] * SLOTS
    for first, last, primary, *_ in reply:
        host = primary[0].decode() if primary[0] else ""
        place = (host if host not in ("", "?") else asked[0], int(primary[1]))
        owners[first : last + 1] = [place] * (last + 1 - first)
    return Map(tuple(owners))


class Answer(StrEnum):
    """What there is to do where a node does not answer for a slot."""

    MOVED = "moved"  # another one has it
    ASK = "ask"  # another one has it already, for this once
    LATER = "later"  # it is on its way, or has nobody


# By the code of a refusal.
_ANSWERS = {
    "MOVED": Answer.MOVED,
    "ASK": Answer.ASK,
    "TRYAGAIN": Answer.LATER,
    "CLUSTERDOWN": Answer.LATER,
    "MASTERDOWN": Answer.LATER,
    "READONLY": Answer.LATER,
    "LOADING": Answer.LATER,
}


@dataclass(frozen=True, slots=True)
class Redirection:
    answer: Answer
    code: str
    slot: int = -1
    place: Place = ("", 0)

    @property
    def passes(self) -> bool:
        """Whether it is this slot alone, for the moment in which it moves."""
        return self.code == "TRYAGAIN"


def redirection_of(error: BaseException, asked: Place) -> Redirection | None:
    """What an error of the node at `asked` says about where to go; None where it says nothing of that."""
    refusal = refusal_of(error)
    answer = _ANSWERS.get(refusal.code)
    if answer is None:
        return None
    if answer is Answer.LATER:
        return Redirection(answer, refusal.code)
    try:
        _, slot, address = refusal.words.split(" ", 2)
        host, _, port = address.rpartition(":")
        return Redirection(answer, refusal.code, int(slot), (host or asked[0], int(port)))
    except ValueError:
        return Redirection(Answer.LATER, refusal.code)


def slot_of(name: str | bytes) -> int:
    """The slot of a key, or of a channel."""
    return key_slot(name.encode() if isinstance(name, str) else name)
