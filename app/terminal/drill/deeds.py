"""What is done to a deployment, one part at a time, and how it is undone. Pure.

The rule: what does not come back by itself has an `undo`, and somebody who does it though everything else fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.terminal.drill.actions import Action

# For so long a Redis is stopped.
REDIS_SECONDS = 5.0


class Part(StrEnum):
    """A part of a deployment, and by that what is done to it."""

    WORKER = "worker"
    FRONT = "front"
    REDIS = "redis"


WORDS = {
    Part.WORKER: "kill a worker",
    Part.FRONT: "drain a front",
    Part.REDIS: f"stop Redis for {REDIS_SECONDS:.0f} s",
}


@dataclass(frozen=True, slots=True)
class Deed:
    """`do`, then for `seconds` nothing, then `undo`; `instead`: where `do` is refused, once; `returns`: whether it
    comes back, by `undo` or by whoever looks after it.
    """

    part: Part
    do: Action
    seconds: float = 0.0
    undo: Action | None = None
    instead: Action | None = None
    returns: bool = True

    def steps(self) -> list[str]:
        """As they are done, for people."""
        told = [str(self.do)]
        if self.undo is not None:
            told += [f"({self.seconds:.0f} s later) {self.undo}" if self.seconds else str(self.undo)]
        if self.instead is not None:
            told += [f"(where that is refused) {self.instead}"]
        return told
