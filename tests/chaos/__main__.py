"""`make chaos`: hundreds of streams under a nemesis, and whether the promises held.

    make chaos SECONDS=600 SEED=7
    make chaos SECONDS=600 ARGS="--tools 1.0 --streams 1000"
    make chaos SECONDS=600 ARGS="--cluster"

Prints the seed, so that a run's faults can be repeated (the machine's timing is its own); exits 1 on a violation.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import random
import secrets
import sys

from tests.chaos.run import TOOLS_SHARE, chaos


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--width", type=int, default=40, help="streams at a time")
    parser.add_argument("--tools", type=float, default=TOOLS_SHARE, help="the share of loops of tools, up to 1.0")
    parser.add_argument(
        "--streams", type=float, default=math.inf, help="so many are enough, before the seconds are over"
    )
    parser.add_argument(
        "--cluster",
        action="store_true",
        help="logs on a Valkey Cluster of three: nodes fail over, die, hang; slots move",
    )
    parser.add_argument("--tell", action="store_true", help="each fault as it comes")
    options = parser.parse_args()
    if options.tell:
        logging.basicConfig(format="%(relativeCreated)8d %(message)s", level=logging.INFO)
        logging.getLogger("httpx").setLevel(logging.WARNING)
    sys.stdout.write(f"seed {options.seed}\n")
    sys.stdout.flush()
    rng = random.Random(options.seed)  # noqa: S311 - to repeat it
    run = chaos(options.seconds, rng, options.width, options.tools, options.streams, on_nodes=options.cluster)
    report = asyncio.run(run)
    sys.stdout.write(report.text() + "\n")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
