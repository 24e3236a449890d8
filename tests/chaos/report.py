"""What a run did, and what went wrong in it, as a text."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.chaos.case import Case
from tests.chaos.costs import Sums
from tests.chaos.loops.case import INTERRUPTED, Loop, Run


@dataclass
class Report:
    """What was done, and what went wrong."""

    cases: list[Case]
    readers: int
    reconnects: int
    refused: int
    undisturbed: int
    starved: float
    faults: Counter[str]
    sums: Sums
    runs: list[Run]
    # Where logs were on a cluster: how often its nodes sent a client on, by their word for it.
    redirections: Mapping[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    @property
    def streams(self) -> int:
        return len(self.cases)

    def text(self) -> str:
        outcomes = Counter(case.outcome or "unknown" for case in self.cases)
        faces = Counter(case.face for case in self.cases)
        why = Counter(case.why for case in self.cases if case.why)
        large = [case for case in self.cases if case.ask.large]
        largest = max((case.ask.size for case in large), default=0) / 1e6
        times = [case.ended - case.began for case in self.cases if case.outcome] or [0.0]
        resets = sum(case.resets for case in self.cases)
        lines = [
            f"{self.streams} streams ({_counts(outcomes)}; {_counts(faces)})",
            f"{len(large)} of them with logs of 0.2 to {largest:.1f} MB, {self.undisturbed} had outages at the worst",
            *self._loops(),
            f"{self.refused} submits answered with an error, and not started",
            f"{self.readers} readers, {self.reconnects} reconnects, {resets} resets",
            f"for {self.starved:.0f} s a worker got too little of the processors",
            f"a stream took {statistics.median(times):.1f} s, the longest {max(times):.1f}",
            self.sums.text(),
            f"{sum(self.faults.values())} faults: {_counts(self.faults)}",
            *([f"the nodes sent clients on: {_counts(Counter(self.redirections))}"] if self.redirections else ()),
            *(f"  {count} x {sentence}" for sentence, count in why.most_common(10)),
            f"{len(self.violations)} violations",
            *self.violations,
        ]
        return "\n".join(lines)

    def _loops(self) -> list[str]:
        found = [case for case in self.cases if isinstance(case, Loop)]
        said = Counter(said for case in found for said in case.verdicts.values())
        interrupted = sum(case.error == INTERRUPTED for case in found)
        ran, calls = Counter(run.name for run in self.runs), sum(len(case.calls) for case in found)
        return [
            f"{len(found)} of them loops of tools ({_counts(Counter(case.outcome or 'unknown' for case in found))})",
            f"  {sum(case.turns for case in found)} turns, {calls} calls, {len(self.runs)} runs ({_counts(ran)})",
            f"  {said[True]} approved, {said[False]} refused, {interrupted} ended for a tool that must not run twice",
        ]


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(counted.items()))
