"""`make bench`: Keepstream beside what else could be used, measured in one run on this machine.

    python -m tests.bench            everything, about eight minutes; writes results.md, results.json and results.png
    python -m tests.bench --quick    a quick look: one short round, beside (b) alone
    python -m tests.bench --only live10 --only memory

Everything runs on the loopback interface, is bounded in number and time, and is ended by its pid.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import orjson

from tests.bench.machine import conditions
from tests.bench.stacks import Upstream
from tests.bench.table import plot, report
from tests.bench.table import scenarios as s
from tests.bench.table.bench import KEEPSTREAM, QUICK, WHOLE, Bench

HERE = Path(__file__).parent


class Group(NamedTuple):
    """Some rows of the table. What is `repeated` is done in rounds, one after the other; the rest once."""

    measure: Callable[[Bench], None]
    repeated: bool = False


# What needs fresh processes first, what wears them out last.
BEFORE = {"generator": Group(s.generator_limit), "memory": Group(s.idling)}
ROUNDS = {
    "start": Group(s.starting, repeated=True),
    "replay": Group(s.replaying, repeated=True),
    "live1": Group(lambda bench: s.flowing(bench, 1), repeated=True),
    "live10": Group(lambda bench: s.flowing(bench, 10), repeated=True),
}
AFTER = {
    "idle": Group(s.commands),
    "most": Group(s.most_of_front),
    "worker": Group(s.of_worker),
}
GROUPS = {**BEFORE, **ROUNDS, **AFTER}


def main() -> int:
    options = _options()
    start = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - start:6.1f} s  {text}\n")
        sys.stderr.flush()

    bench = Bench(QUICK if options.quick else WHOLE, Upstream(), say)
    try:
        for name, number in _order(options.only or list(GROUPS), bench.extent.rounds):
            say(f"{name}, round {number}")
            GROUPS[name].measure(bench)
    finally:
        bench.close()
        bench.upstream.stop()
    say("done")
    text = _document(bench)
    sys.stdout.write(text)
    if options.out is not None:
        _write(bench, text, options.out)
    return 1 if any(run["wrong_count"] and run["who"] == KEEPSTREAM.name for run in bench.runs) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Keepstream beside what else could be used, measured on this machine."
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round beside (b) alone; writes nothing unless --out is given"
    )
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="only these rows (may be repeated)")
    parser.add_argument("--out", type=Path, help="where results go (default: beside this program, if all was measured)")
    options = parser.parse_args()
    if options.out is None and not (options.quick or options.only):
        options.out = HERE
    return options


def _order(names: list[str], rounds: int) -> list[tuple[str, int]]:
    return [
        *((name, 1) for name in BEFORE if name in names),
        *((name, n + 1) for n in range(rounds) for name in ROUNDS if name in names),
        *((name, 1) for name in AFTER if name in names),
    ]


def _document(bench: Bench) -> str:
    behind = report.behind(bench.numbers)
    parts = [
        report.table(bench.numbers),
        report.goals(bench.numbers),
        "Not ahead: " + "; ".join(behind) + "." if behind else "Ahead of (b) and (c) in every row.",
        "\n".join(f"- {line}" for line in conditions(bench.runs, bench.numbers)),
    ]
    return "\n\n".join(parts) + "\n"


def _write(bench: Bench, text: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "results.md").write_text(text)
    results = {"numbers": bench.numbers, "runs": bench.runs}
    (directory / "results.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))
    plot.draw(bench.numbers, directory / "results.png")


if __name__ == "__main__":
    sys.exit(main())
