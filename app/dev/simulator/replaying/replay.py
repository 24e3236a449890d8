"""Which recording answers which call.

The rule: calls take the files in turn; a call that brings the results of a recorded call of a tool takes what followed
that call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from app.dev.simulator.answer.hearing import blocks
from app.dev.simulator.faults import Step
from app.dev.simulator.replaying.recording import Fault, Recording, steps
from app.dev.simulator.reply import Pace


@dataclass(slots=True)
class Replay:
    """`files`: the messages of each. `pace`: None is as recorded. `times`: at how many calls `fault` happens; None at
    all of them.
    """

    files: Sequence[Sequence[Recording]]
    pace: Pace | None = None
    fault: Fault | None = None
    times: int | None = None
    _begun: int = 0
    _calls: int = field(default=0)

    def answer(self, messages: Sequence[Mapping[str, Any]], usual: Pace) -> tuple[Iterator[Step], Pace]:
        """What the next call is answered with, and at what pace."""
        recording = self._after_results(messages) or self._next()
        self._calls += 1
        goes_wrong = self.times is None or self._calls <= self.times
        return steps(recording, self.fault if goes_wrong else None), recording.pace(self.pace, usual)

    def _next(self) -> Recording:
        self._begun += 1
        return self.files[(self._begun - 1) % len(self.files)][0]

    def _after_results(self, messages: Sequence[Mapping[str, Any]]) -> Recording | None:
        results = [block.get("tool_use_id") for block in blocks(messages[-1])]
        ids = [one.encode() for one in results if isinstance(one, str) and one]
        for file in self.files:
            for recording, following in pairwise(file):
                if any(one in event for one in ids for event in recording.events):
                    return following
        return None
