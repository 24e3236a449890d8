"""One loop of tools, and whether it is what was promised. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.case import Case
from tests.chaos.loops.asks import ONCE
from tests.chaos.loops.history import History
from tests.harness.reader import Sight, ViolationError

INTERRUPTED = "tool_interrupted"
ASKED = "sign"


@dataclass(frozen=True)
class Run:
    """One line that a tool wrote when it began."""

    name: str
    stream_id: str
    call: str
    run: str


def runs_in(text: str) -> list[Run]:
    return [Run(*line.split(" ")) for line in text.splitlines()]


@dataclass
class Loop(Case):
    """`verdicts`: what a person has said of a call, and may have been heard saying."""

    verdicts: dict[str, bool] = field(default_factory=dict)
    calls: dict[str, tuple[str, str]] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    turns: int = 0
    error: str = ""

    def _judge_log(self, log: bytes) -> None:
        try:
            history = History.of(log)
        except ViolationError as violation:
            raise self._violated(str(violation)) from None
        super()._judge_log(log)
        self.calls, self.results, self.turns = history.calls, history.results, len(history.turns)
        self.error = (history.end.get("error") or {}).get("type", "")
        if history.end.get("turns") != self.turns:
            raise self._violated(f"told {history.end.get('turns')} turns, there are {self.turns}")
        if self.outcome == "completed":
            self._judge_told(history)
        if self.outcome == "failed" and self.error != INTERRUPTED:
            raise self._violated(f"failed with {self.error}: {self.why}")
        for sight in self.sights:
            if sight.seen and bytes(sight.seen) != history.kept:
                raise self._violated("a reader kept something else than the log says")

    def _judge_one_answer(self, parts: list[list[str | None]]) -> None:
        """One answer in each turn, which the history tells."""

    def _judge_told(self, history: History) -> None:
        """The model says what it was told: of each call the result that stands in the log, and in their order."""
        if not all(turn.answered for turn in history.turns):
            raise self._violated("completed, and a call has no result")
        names = "tool_use_id", "name", "content", "is_error"
        try:
            told = [{name: one[name] for name in names} for one in json.loads(history.turns[-1].text)]
        except ValueError:
            raise self._violated(f"completed by another turn than the last: {history.turns[-1].text[:80]!r}") from None
        shown = [{name: history.results[call][name] for name in names} for call in history.calls]
        if told != shown:
            raise self._violated(f"the model was told {told}, shown was {shown}")

    def _judge_sight(self, sight: Sight, log: bytes) -> None:
        """Held against the history above."""
        del log
        if sight.lost:
            raise self._violated("said to be lost")

    def judge_calls(self, calls: int, disturbances: int) -> str:
        if self.error == INTERRUPTED and not disturbances:
            return self._sentence("a tool was interrupted by nothing")
        return super().judge_calls(calls, disturbances)

    def judge_runs(self, runs: Iterable[Run]) -> list[str]:
        """What ran, when nothing runs any more; `runs` are those of this stream."""
        wrong, runs = [], list(runs)
        for call, times in Counter(one.call for one in runs).items():
            name = next(one.name for one in runs if one.call == call)
            if name in ONCE and times > 1:
                wrong.append(f"{name} ran {times} times for {call}")
            if name == ASKED and not self.verdicts.get(call):
                wrong.append(f"{name} ran for {call}, which nobody approved")
        made = {one.call: {other.run for other in runs if other.call == one.call} for one in runs}
        for call, result in self.results.items():
            refused = self.verdicts.get(call) is False
            said = str(result["content"])
            if refused and not result["is_error"]:
                wrong.append(f"{call} was refused, and has the result {said}")
            if not refused and not any(run in said for run in made.get(call, ())):
                wrong.append(f"{call} has a result of no run of it: {said}")
        return [self._sentence(what) for what in wrong]
