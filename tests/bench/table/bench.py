"""One run of the benchmark: how much of it, who runs, and what was found so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.bench.gauges import wait_until_quiet
from tests.bench.stacks import CONTENDERS, Contender, Stack, Upstream
from tests.bench.table.runs import measure

KEEPSTREAM, DIRECT, PUBSUB, RESUMABLE = CONTENDERS
BARE = "bare"
# What a contender that fell behind may take to get over it, before it is started anew.
SETTLE_SECONDS = 8.0
# What did not come within this many seconds after the end of a measurement is this late, at least.
GRACE_SECONDS = 3.0
LATEST_MS = GRACE_SECONDS * 1000
ALL = ("front", "worker", "valkey")


@dataclass(frozen=True, slots=True)
class Extent:
    """How long and how often: the whole, or a quick look."""

    rounds: int
    window: float
    idle_streams: int
    replay_seconds: float
    starts: int
    starts_seconds: float
    idle_seconds: float
    step_seconds: float
    step_part: int  # of a ramp's steps only every so many
    contenders: tuple[Contender, ...]


WHOLE = Extent(
    rounds=3,
    window=3.0,
    idle_streams=20,
    replay_seconds=1.5,
    starts=50,
    starts_seconds=2.5,
    idle_seconds=10.0,
    step_seconds=1.5,
    step_part=1,
    contenders=CONTENDERS,
)
QUICK = Extent(
    rounds=1,
    window=1.5,
    idle_streams=6,
    replay_seconds=0.4,
    starts=20,
    starts_seconds=0.8,
    idle_seconds=3.0,
    step_seconds=1.2,
    step_part=3,
    contenders=(KEEPSTREAM, PUBSUB),
)


@dataclass(slots=True)
class Bench:
    """The contenders that run, and what was found so far."""

    extent: Extent
    upstream: Upstream
    say: Callable[[str], None]
    stacks: dict[str, Stack] = field(default_factory=dict)
    numbers: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    runs: list[dict[str, Any]] = field(default_factory=list)

    def stack(self, contender: Contender) -> Stack:
        """A contender that runs, is warm, and has nothing left to do; started again where it has too much."""
        stack = self.stacks.get(contender.name)
        if stack is not None and not wait_until_quiet(stack.pids, SETTLE_SECONDS):
            self.drop(contender)
            stack = None
        if stack is None:
            stack = self.stacks[contender.name] = Stack(contender, self.upstream.url).start()
            self._run("steady", stack, streams=5, readers=2, rate=20, warm=0.5, window=0.5, spread=0.2)
        return stack

    def drop(self, contender: Contender) -> None:
        stack = self.stacks.pop(contender.name, None)
        if stack is not None:
            stack.stop()

    def close(self) -> None:
        for stack in self.stacks.values():
            stack.stop()

    def run(self, name: str, contender: Contender, kind: str, **options: Any) -> dict[str, Any]:
        result = self._run(kind, self.stack(contender), **options)
        return self._note(name, contender.name, result)

    def run_bare(self, name: str, kind: str, **options: Any) -> dict[str, Any]:
        """With nothing between the upstream and the client."""
        pids = {} if kind == "starts" else {"upstream": self.upstream.pid}
        return self._note(name, BARE, measure(kind, self.upstream.target, pids, **options))

    def add(self, who: str, numbers: Mapping[str, float | None]) -> None:
        for metric, number in numbers.items():
            if number is not None:
                self.numbers[who][metric].append(number)

    def _run(self, kind: str, stack: Stack, **options: Any) -> dict[str, Any]:
        return measure(kind, stack.target, {**stack.pids, "upstream": self.upstream.pid}, **options)

    def _note(self, name: str, who: str, result: dict[str, Any]) -> dict[str, Any]:
        self.runs.append({"name": name, "who": who, **result})
        if result["wrong_count"]:
            self.say(f"{who}, {name}: {result['wrong_count']} readers saw something wrong, such as {result['wrong']}")
        return result


def late(result: dict[str, Any], quantile: str) -> float:
    value = result["late_ms"][quantile]
    return LATEST_MS if value is None else min(value, LATEST_MS)


def micros(result: dict[str, Any], roles: Iterable[str]) -> float | None:
    """CPU of these roles for each event that was delivered."""
    spent = sum(result["cpu"].get(role, 0.0) for role in roles)
    return spent * 1e6 / result["delivered"] if result["delivered"] else None
