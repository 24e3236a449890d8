"""One stream of the load, what was seen of it, and whether that is what was promised. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.stream import frames
from tests.chaos.costs import Costs, Meter
from tests.chaos.load.asks import Ask
from tests.harness.reader import Sight, ViolationError

# The reason in `relay.retry` of a call that the upstream refused: it was none.
REFUSED = b'"rate_limit_error"'


@dataclass
class Case:
    """Times are the loop's. `keeps`: an attempt that breaks after content ends it as failed (`on_interrupt: fail`)."""

    stream_id: str
    ask: Ask
    began: float
    cancelled: bool = False
    keeps: bool = False
    face: str = "native"
    ended: float = 0.0
    sights: list[Sight] = field(default_factory=list)
    outcome: str = ""
    why: str = ""
    attempts: int = 0
    refusals: int = 0
    resets: int = 0
    costs: Costs | None = None

    def judge_costs(self, meter: Meter, disturbances: int) -> list[str]:
        """Where its ledger is not what the upstream would bill."""
        wrong = self.costs.judge(meter, self.ask.tag, disturbances) if self.costs is not None else []
        return [self._sentence(what) for what in wrong]

    def judge(self, log: bytes) -> None:
        """Compares what was seen with the log, the log with itself, and the answer with what it had to be.

        Raises `ViolationError`. What takes memory is let go.
        """
        try:
            self._judge_log(log)
            for sight in self.sights:
                self._judge_sight(sight, log)
        finally:
            for sight in self.sights:
                sight.seen.clear()

    def _judge_log(self, log: bytes) -> None:
        if frames.follow(log, *frames.origin(self.stream_id)) is None:
            raise self._violated("the log does not prove itself")
        found = list(frames.split(log))
        names = [frame.name for frame in found]
        if names.count("relay.end") != 1 or names[-1] != "relay.end":
            raise self._violated(f"{names.count('relay.end')} endings, the last is {names[-1]}")
        parts = attempts(names)
        self._judge_one_answer(parts)
        end: dict[str, Any] = orjson.loads(found[-1].data)
        self.outcome, self.attempts = end["outcome"], end["attempts"]
        self.why = (end.get("error") or {}).get("message", "")
        self.resets = names.count("relay.reset")
        self.refusals = sum(frame.name == "relay.retry" and REFUSED in frame.data for frame in found)
        if self.outcome in ("completed", "truncated") and "message_stop" not in parts[-1]:
            raise self._violated(f"{self.outcome} without message_stop")
        if self.outcome == "cancelled" and not self.cancelled:
            raise self._violated("cancelled by nobody")

    def _judge_one_answer(self, parts: list[list[str | None]]) -> None:
        if any(part.count("message_start") > 1 for part in parts):
            raise self._violated("two answers between two resets")

    def _judge_sight(self, sight: Sight, log: bytes) -> None:
        if sight.lost:
            raise self._violated("said to be lost")
        if not log.endswith(sight.seen):
            raise self._violated("a reader saw what is not the log's end")
        if sight.seen and self.outcome == "completed" and sight.text() not in self.ask.answers:
            raise self._violated(f"completed with another text: {sight.text()[:80]!r}")

    def judge_calls(self, calls: int, disturbances: int) -> str:
        """What the simulator counted beside what was told; a sentence where they differ in a way that nothing explains.

        `disturbances` are the faults of its life that may take a stream from a worker, or a call from a stream.
        """
        whole = self.outcome in ("completed", "truncated")
        # The last refusal is told with the next call, which an ending may come before.
        told = self.attempts + self.refusals + (not whole)
        seen = f"{calls} calls, told {self.attempts} attempts, {self.refusals} refusals, {self.resets} resets"
        if calls > told + disturbances:
            return self._sentence(f"paid more calls than told: {seen}, {disturbances} disturbances")
        if disturbances or not whole or self.keeps:
            return ""
        fault = self.ask.fault
        # A stream whose worker lives is not begun again, whatever Redis does meanwhile.
        if (self.attempts, self.resets, calls) != (fault.attempts, fault.resets, told):
            return self._sentence(f"disturbed by nothing, and yet {seen}; expected {fault}")
        return ""

    def _violated(self, what: str) -> ViolationError:
        return ViolationError(self._sentence(what))

    def _sentence(self, what: str) -> str:
        return f"{self.stream_id} ({self.face}, {self.began:.1f} to {self.ended:.1f}): {what}: {self.ask.text[:150]}"


def attempts(names: Iterable[str | None]) -> list[list[str | None]]:
    """The names of each attempt, a `relay.reset` first."""
    parts: list[list[str | None]] = [[]]
    for name in names:
        if name == "relay.reset":
            parts.append([])
        parts[-1].append(name)
    return parts
