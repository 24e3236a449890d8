"""What a person may ask of a drill, and what of it makes no sense."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from app.terminal.drill.concluding import HELP
from app.terminal.drill.deeds import WORDS, Part
from app.terminal.drill.means import Compose, Kubectl, Means, Pids
from app.terminal.options import parser_of, usable

DRILL = """\
Runs streams of its own through a deployment, several readers on each that leave and come back all the time, while a
worker is killed, a front is drained and Redis is stopped for 5 s; and compares what every reader was given, byte by
byte. What is done is shown before, and undone after; a Redis that is stopped goes on even if this is killed. Without
--compose, --kubectl or --pids nothing is disturbed.

  keepstream drill --compose                                          docker compose, in this directory
  keepstream drill https://chat.example.com --kubectl keepstream      pods of a namespace, by their labels
  keepstream drill http://127.0.0.1:8000 http://127.0.0.1:8001 --pids worker=411,front=420,redis=400

It is for a deployment whose Claude is simulated (ANTHROPIC_BASE_URL is `keepstream simulate`, as with compose's profile
`simulate`). A real one is asked only with --real, and paid.
"""
STREAMS, STREAMS_MAX = 8, 200
SECONDS, SECONDS_MAX = 10.0, 600.0
PATIENCE, PATIENCE_MAX = 120.0, 3600.0
SEED_MAX = 1_000_000


def parser_of_drill() -> argparse.ArgumentParser:
    parser = parser_of("drill", DRILL, address=False)
    parser.epilog = HELP
    add = parser.add_argument
    add("url", nargs="?", help="a front, or what stands before the fronts (default: KEEPSTREAM_URL)")
    add("others", nargs="*", metavar="url", help="further ones: readers go from one to another")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--compose", nargs="?", const="", metavar="FILE", help="by docker compose (default: compose.yaml here)"
    )
    how.add_argument(
        "--kubectl", nargs="?", const="", metavar="NAMESPACE", help="by kubectl (default: its own namespace)"
    )
    how.add_argument(
        "--pids",
        metavar="worker=PID,…",
        help="processes here: worker=, front=, redis=; of several workers one that is busy",
    )
    add("--names", metavar="worker=NAME,…", help="other services than worker, front and valkey; other label selectors")
    add("--only", metavar="PARTS", help="worker, front, redis: only these (default: all)")
    add("--streams", type=int, default=STREAMS, metavar="N", help="so many at a time (default: %(default)s)")
    add("--seconds", type=float, default=SECONDS, help="how long each takes, about (default: %(default)g)")
    add("--patience", type=float, default=PATIENCE, help="how long an ending is waited for (default: %(default)g)")
    add("--seed", type=int, help="cut at the same lengths as another time")
    add("--real", action="store_true", help="Claude may be the real one: its answers are paid")
    add("--dry-run", action="store_true", help="show what would be done, and do nothing")
    add("--json", action="store_true", help="print the verdict as a line of JSON; what is done goes to stderr")
    return parser


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exits with 2 for what makes no sense."""
    for name, most in (("streams", STREAMS_MAX), ("seconds", SECONDS_MAX), ("patience", PATIENCE_MAX)):
        if not 1 <= getattr(options, name) <= most:
            parser.error(f"--{name}: from 1 to {most:g}")
    options.others = [one.rstrip("/") for one in options.others]
    if wrong := [one for one in options.others if not usable(one)]:
        parser.error(f"url: must be an http:// or https:// address, not {wrong[0]!r}")
    parts = (options.only or ",".join(Part)).replace(" ", "").split(",")
    if unknown := [one for one in parts if one not in set(Part)]:
        parser.error(f"--only: knows worker, front and redis, not {unknown[0]!r}")
    options.only = [part for part in Part if part in parts]


def means_of(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Means | None:
    names = _pairs(parser, "--names", options.names)
    given = (options.compose, options.kubectl, *names.values())
    if wrong := [one for one in given if (one or "").startswith(("-", "http"))]:
        parser.error(f"{wrong[0]!r} is no file, namespace or name: the address of a front comes first")
    if options.pids is not None:
        pids = _pairs(parser, "--pids", options.pids)
        numbers = {part: said.split(",") for part, said in pids.items()}
        if not pids or not all(pid.isdecimal() and int(pid) > 1 for said in numbers.values() for pid in said):
            parser.error("--pids: are numbers of processes, as in worker=411,412,redis=400")
        if names:
            parser.error("--names: is for --compose and --kubectl")
        options.only = [part for part in options.only if part in pids]
        return Pids({part: [int(pid) for pid in said] for part, said in numbers.items()})
    if options.compose is not None:
        return Compose(options.compose, names)
    if options.kubectl is not None:
        return Kubectl(options.kubectl, names)
    options.only = []
    return None


def _pairs(parser: argparse.ArgumentParser, option: str, given: str | None) -> dict[Part, str]:
    found: dict[Part, str] = {}
    # A label selector may have commas and equals signs of its own: a part begins only where one is named.
    for word in (given or "").split(","):
        name, _, value = word.partition("=")
        if name.strip() in set(Part) and value:
            last = Part(name.strip())
            found[last] = value.strip()
        elif found and word:
            found[last] += f",{word}"
        elif given:
            parser.error(f"{option}: worker=…,front=…,redis=…, not {word!r}")
    return found


def outline(means: Means | None, only: Sequence[Part]) -> list[str]:
    told = []
    if means is not None:
        for part in only:
            told += [f"{WORDS[part]}:", *(f"  $ {step}" for step in means.outline(part))]
    return told or ["nothing would be disturbed: --compose, --kubectl or --pids say how"]
