"""What it costs that logs are on a Valkey Cluster: the same loads on one Redis and on one to three nodes, in turns.

    python -m tests.bench.sharded.cluster                 below four minutes: as many rounds as there is time for
    python -m tests.bench.sharded.cluster --seconds 60    a short look

The loads are 50 streams of 50 tokens a second with a reader each, and a worker with 120 streams of 80 tokens a second,
which two cores have room for. Compared are how late events came, and the CPU of front, worker and Valkey for each. Then
one node is driven as far as it goes (`one_node.py`). All of it runs on this machine: the nodes have its processors
together, so that what more of them could do is told by what each costs, and not by what all of them did.
Exits 1 where a figure is not reached.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from tests.bench.sharded.one_node import Driven, one_of_nodes, one_redis
from tests.bench.sharded.stack import StackOnNodes
from tests.bench.stacks import Upstream
from tests.bench.table.bench import late, micros
from tests.bench.table.runs import measure

# How many nodes have the logs; none: they are where the queue is.
NODES = (0, 1, 2, 3)
OURS = ("front", "worker")
LOADS: Mapping[str, dict[str, Any]] = {
    "50 streams of 50/s, all read": {"streams": 50, "readers": 1, "rate": 50},
    "120 streams of 80/s, a tenth is read": {
        "streams": 120,
        "readers": 1,
        "rate": 80,
        "read_every": 10,
        "warm": 2.0,
        "spread": 1.0,
    },
}
# What is asked of three nodes beside one Redis.
LEAST_THROUGHPUT, MOST_LATENESS = 0.9, 1.5
ROUNDS_MAX = 5

Round = Mapping[str, float]
Numbers = dict[str, dict[int, list[Round]]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sharded.cluster", description=__doc__)
    parser.add_argument("--seconds", type=float, default=220.0, help="no round is begun that would end after these")
    parser.add_argument("--window", type=float, default=3.0, help="seconds of each measurement")
    options = parser.parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {text}\n")
        sys.stderr.flush()

    upstream = Upstream()
    stacks = [StackOnNodes(number, upstream.url) for number in NODES]
    numbers: Numbers = defaultdict(lambda: defaultdict(list))
    alone: dict[int, list[Driven]] = defaultdict(list)
    drives = ExitStack()
    try:
        drive = {0: drives.enter_context(one_redis()), 3: drives.enter_context(one_of_nodes(3))}
        for stack in stacks:
            say(f"start, {_name(stack.number)}")
            stack.start()
            measure("steady", stack.target, stack.pids, streams=5, readers=2, rate=20, warm=0.5, window=0.5, spread=0.2)
        for _ in _rounds(began + options.seconds):
            for load, asked in LOADS.items():
                for stack in _in_turn(stacks, len(numbers[load][0])):
                    say(f"{load}, {_name(stack.number)}")
                    numbers[load][stack.number].append(_measured(stack, upstream, asked, options.window))
            say("one Redis, and one of three nodes, as far as they go")
            for number in (0, 3, 3, 0):
                alone[number].append(drive[number]())
    finally:
        for stack in stacks:
            stack.stop()
        upstream.stop()
        drives.close()
    say("done")
    sys.stdout.write("\n".join([*_tables(numbers), "", *_driven_table(alone), "", *_goals(numbers, alone)]) + "\n")
    return 0 if all(reached for _, _, reached in _reached(numbers, alone)) else 1


def _rounds(until: float) -> Iterator[int]:
    """As many as there is time for, one at the least."""
    for number in range(ROUNDS_MAX):
        began = time.monotonic()
        yield number
        if 2 * time.monotonic() - began > until:
            return


def _in_turn(stacks: Sequence[StackOnNodes], number: int) -> Sequence[StackOnNodes]:
    """Who comes first has a machine that is warm in another way: each is it in turn."""
    first = number % len(stacks)
    return [*stacks[first:], *stacks[:first]]


def _measured(stack: StackOnNodes, upstream: Upstream, asked: Mapping[str, Any], window: float) -> Round:
    result = measure(
        "steady", stack.target, {**stack.pids, "upstream": upstream.pid}, **asked, window=window, grace=3.0
    )
    if result["wrong_count"]:
        raise RuntimeError(f"{_name(stack.number)}: {result['wrong']}")
    valkeys = [role for role in stack.pids if role == "valkey" or role.startswith("node-")]
    # What came of those that are read says what was written of all.
    written = result["delivered"] * asked.get("read_every", 1)
    spent = sum(result["cpu"][role] for role in valkeys)
    return {
        "written": written / result["seconds"],
        "p50": late(result, "50"),
        "p99": late(result, "99"),
        "front": micros(result, ("front",)) or 0.0,
        "worker": result["cpu"]["worker"] * 1e6 / max(written, 1),
        "valkey": spent * 1e6 / max(written, 1),
        "per_cpu": written / max(spent, 1e-9),
        "machine": result["cpu"]["machine"] / result["seconds"],
    }


def _name(number: int) -> str:
    return "one Redis" if not number else f"{number} node{'s' if number > 1 else ''}"


def _middle(rounds: Sequence[Round], what: str) -> float:
    return statistics.median(one[what] for one in rounds)


def _ratio(found: Mapping[int, Sequence[Round]], number: int, what: str) -> float:
    """Beside one Redis in the same round: the middle of the rounds."""
    pairs = zip(found[number], found[0], strict=True)
    return statistics.median(one[what] / max(beside[what], 1e-9) for one, beside in pairs)


_COLUMNS = {
    "events/s": "written",
    "p50, ms": "p50",
    "p99, ms": "p99",
    "front, us": "front",
    "worker, us": "worker",
    "all Valkeys, us": "valkey",
    "events per CPU second of Valkey": "per_cpu",
    "cores busy": "machine",
}


def _tables(numbers: Numbers) -> Iterator[str]:
    for load, found in numbers.items():
        yield f"{load} ({len(found[0])} rounds; in brackets beside one Redis)"
        yield "| | " + " | ".join(_COLUMNS) + " |"
        yield "| --- |" + " ---: |" * len(_COLUMNS)
        for number, rounds in found.items():
            cells = [
                f"{_middle(rounds, what):,.1f}" + (f" ({_ratio(found, number, what):.2f})" if number else "")
                for what in _COLUMNS.values()
            ]
            yield f"| {_name(number)} | " + " | ".join(cells) + " |"
        yield ""


def _driven_table(alone: Mapping[int, Sequence[Driven]]) -> Iterator[str]:
    yield "One node, driven by appends as far as it goes, on a processor of its own where there are two"
    yield "| | appends/s | its share of a core | appends per CPU second |"
    yield "| --- | ---: | ---: | ---: |"
    for number, rounds in alone.items():
        cells = [statistics.median(getattr(one, what) for one in rounds) for what in ("per_second", "share", "per_cpu")]
        name = "one Redis" if not number else "one of three nodes"
        yield f"| {name} | {cells[0]:,.0f} | {cells[1]:.2f} | {cells[2]:,.0f} |"


def _reached(numbers: Numbers, alone: Mapping[int, Sequence[Driven]]) -> Iterator[tuple[str, float, bool]]:
    pairs = list(zip(alone[3], alone[0], strict=True))
    got = statistics.median(one.per_second / beside.per_second for one, beside in pairs)
    yield (
        f"appends/s of one of three nodes, beside one Redis (at least {LEAST_THROUGHPUT})",
        got,
        got >= LEAST_THROUGHPUT,
    )
    got = statistics.median(one.per_cpu / beside.per_cpu for one, beside in pairs)
    yield f"... for each second of its CPU (at least {LEAST_THROUGHPUT})", got, got >= LEAST_THROUGHPUT
    for load, found in numbers.items():
        got = _ratio(found, 3, "p99")
        yield f"{load}: p99 on three nodes, beside one Redis (below {MOST_LATENESS})", got, got < MOST_LATENESS


def _goals(numbers: Numbers, alone: Mapping[int, Sequence[Driven]]) -> Iterator[str]:
    yield "| to reach | got | |"
    yield "| --- | ---: | --- |"
    for what, got, reached in _reached(numbers, alone):
        yield f"| {what} | {got:.2f} | {'yes' if reached else '**no**'} |"


if __name__ == "__main__":
    sys.exit(main())
