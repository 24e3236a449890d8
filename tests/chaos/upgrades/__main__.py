"""`make upgrade`: a rolling restart from the version before to this one, under load and behind a Caddy.

    make upgrade
    make upgrade ARGS="--way new-old"
    make upgrade ARGS="--way old-new-old --streams 50 --readers 10"

Each reader reads every byte through the edge and comes back as an EventSource does; what it saw is compared with the
log. Exits 1 on a violation, or where a reader was further behind than it may be.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.chaos.upgrades import before
from tests.chaos.upgrades.rolling import Size, roll

BEHIND_SECONDS = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make upgrade", description=__doc__)
    parser.add_argument("--way", default="old-new", help="the versions, one after the other: old-new, new-old, new-new")
    parser.add_argument("--streams", type=int, default=200, help="at a time")
    parser.add_argument("--readers", type=int, default=10, help="of each stream")
    parser.add_argument("--rate", type=float, default=3.0, help="tokens a second of a stream")
    parser.add_argument("--seconds", type=float, default=30.0, help="that a stream takes")
    parser.add_argument("--first", choices=("worker", "front"), default="worker", help="which go first")
    parser.add_argument("--drain", type=float, default=10.0, help="seconds that a process may take to leave")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it ends its processes
    how = {"drain_seconds": options.drain, "first": options.first}
    size = Size(options.streams, options.readers, options.rate, options.seconds, **how)
    names = options.way.split("-")
    if "old" in names and (why := before.why_not()):
        sys.stderr.write(f"make upgrade: {why}\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        known = {"new": before.OURS}
        if "old" in names:
            known["old"] = before.built(Path(folder))
        report = uvloop.run(roll([known[name] for name in names], size, lambda text: sys.stdout.write(f"{text}\n")))
    sys.stdout.write(report.text() + "\n")
    return 1 if report.violations or report.load.lag.worst > BEHIND_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
