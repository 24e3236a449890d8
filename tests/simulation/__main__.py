"""A large Keepstream that runs on one core, faster than it would: 100,000 streams over 20 fronts, 200 workers, 6 nodes.

    python -m tests.simulation                  all scenarios, a minute
    python -m tests.simulation --only zone --seed 9
    python -m tests.simulation --check          forty streams, beside what real processes do with them
    python -m tests.simulation --write          puts the table into app/docs/sizing.md

No socket and no token: the product's own queue, with its own scripts, and its own rules, in a time that passes when
nobody has anything to do.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable

from tests.bench.sizing.formula import PAGE, figures
from tests.bench.sizing.page import between
from tests.simulation import real
from tests.simulation.scenarios import Row, Size, deaths, flood, front_dies, steady

SCENARIOS: dict[str, tuple[str, Callable[[int], list[Row]]]] = {
    "steady": ("Nothing happens", lambda seed: steady(Size(), figures(), seed, seconds=5)),
    "ten": ("Ten workers die at once", lambda seed: deaths(Size(), figures(), seed, dead=10, seconds=6)),
    "zone": (
        "A zone with 60 workers dies, and they are back elsewhere after 6 s",
        lambda seed: deaths(Size(), figures(), seed, dead=60, back_after=6, seconds=10),
    ),
    "cut": (
        "A zone with 60 workers is cut off and its connections stay open; they are back elsewhere after 6 s",
        lambda seed: deaths(Size(), figures(), seed, dead=60, unnoticed=True, back_after=6, seconds=14),
    ),
    "flood": ("Two tenants ask for more than there is", lambda seed: flood(Size(), figures(), seed, seconds=6)),
    "front": ("A front dies", lambda seed: front_dies(Size(), figures(), seed)),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="only these (may be repeated)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--check", action="store_true", help="a small one, beside real processes: half a minute")
    parser.add_argument("--write", action="store_true", help="put the table into the page about sizing")
    options = parser.parse_args()
    if options.check:
        sys.stdout.write(asyncio.run(real.beside()))
        return 0
    lines = ["| what happens | what follows | how much |", "| --- | --- | ---: |"]
    for name in options.only or SCENARIOS:
        title, simulate = SCENARIOS[name]
        start = time.process_time()
        found = simulate(options.seed)
        sys.stderr.write(f"{name}: {time.process_time() - start:.1f} s of CPU\n")
        lines += [f"| {title if n == 0 else ''} | {what} | {value} |" for n, (what, value) in enumerate(found)]
    table = "\n".join(lines) + "\n"
    sys.stdout.write(table)
    if options.write:
        PAGE.write_text(between(PAGE.read_text(), "simulated", table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
