"""What it costs that everything is watched: the same loads with all observers on and with none, in turns.

    python -m tests.bench.watch.observers              a few minutes: five rounds
    python -m tests.bench.watch.observers --rounds 1 --window 1      a short look
    python -m tests.bench.watch.observers --traces     with traces as well, to a collector that takes all

On is: a line of JSON for each event of the log (level info), metrics that are scraped every five seconds, the
timeline, and the numbers that the board shows. The loads are those of `make bench`: 50 streams of 50 tokens a second
with one reader each, and with ten, and a worker with 300 streams of 80 tokens a second. Compared is the CPU of front
and worker for each event, and how late events came.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.bench.load.traffic import Target
from tests.bench.stacks import KEEPSTREAM, Contender, Stack, Upstream, module
from tests.bench.table.bench import late, micros
from tests.bench.table.runs import measure

GOAL = 0.03
SCRAPE_SECONDS = 5.0
OURS = ("front", "worker")
ON = {"KEEPSTREAM_LOG_LEVEL": "info", "KEEPSTREAM_LOG_FORMAT": "json", "KEEPSTREAM_METRICS_PORT": "0"}
LOADS: Mapping[str, dict[str, Any]] = {
    "50 streams, a reader each": {"streams": 50, "readers": 1, "rate": 50},
    "50 streams, ten readers each": {"streams": 50, "readers": 10, "rate": 50},
    "300 streams, a tenth is read": {
        "streams": 300,
        "readers": 1,
        "rate": 80,
        "read_every": 10,
        "warm": 3,
        "spread": 2,
    },
}


def _contender(name: str, command: tuple[str, ...]) -> Contender:
    return Contender(
        name,
        name,
        (*command, "front", "--port", "{port}"),
        lambda port: Target(port, "/v1/streams", log=True),
        worker=(*command, "worker"),
        worker_ready="ready",
    )


class Scraping:
    """Asks for the metrics of a stack's processes, as Prometheus would."""

    def __init__(self, stack: Stack) -> None:
        found = re.findall(r"metrics on (http://\S+)", stack.complaints())
        self._addresses = found
        self._over = threading.Event()
        self.bytes = 0
        threading.Thread(target=self._scrape, daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def _scrape(self) -> None:
        accept = {"accept": "application/openmetrics-text;version=1.0.0"}
        while not self._over.wait(SCRAPE_SECONDS):
            for address in self._addresses:
                self.bytes += len(httpx.get(address, headers=accept, timeout=10).content)


class _Collector(BaseHTTPRequestHandler):
    """Takes all spans."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.watch.observers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=float, default=5.0, help="seconds of each measurement")
    parser.add_argument("--traces", action="store_true")
    options = parser.parse_args()
    on = dict(ON)
    collector = ThreadingHTTPServer(("127.0.0.1", 0), _Collector)
    if options.traces:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        on["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.server_port}"
    upstream = Upstream()
    stacks: dict[str, Stack] = {}
    try:
        stacks["off"] = Stack(_contender("off", module("tests.bench.watch.unobserved")), upstream.url).start()
        stacks["on"] = Stack(_contender("on", KEEPSTREAM), upstream.url, on).start()
        scraping = Scraping(stacks["on"])
        numbers = _measured(stacks, upstream, options.rounds, options.window)
        scraping.stop()
        sys.stdout.write(_table(numbers))
        sys.stdout.write(f"\nscraped meanwhile: {scraping.bytes / 1024:.0f} KiB\n")
    finally:
        for stack in stacks.values():
            stack.stop()
        upstream.stop()
        collector.server_close()
    return 0 if all(_share(found) < GOAL for found in numbers.values()) else 1


Numbers = dict[str, dict[str, list[tuple[float, float]]]]


def _measured(stacks: Mapping[str, Stack], upstream: Upstream, rounds: int, window: float) -> Numbers:
    """By load and stack, of each round: microseconds of CPU for an event, and the lateness at p99."""
    numbers: Numbers = defaultdict(lambda: defaultdict(list))
    began = time.monotonic()
    for number in range(rounds):
        for load, asked in LOADS.items():
            # Who comes first has a machine that is warm in another way: each is it in turn.
            for name in sorted(stacks, reverse=bool(number % 2)):
                pids = {**stacks[name].pids, "upstream": upstream.pid}
                result = measure("steady", stacks[name].target, pids, **asked, window=window, grace=3.0)
                each = micros(result, OURS)
                sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {load}, {name}: {each or 0:.1f} us\n")
                if result["wrong_count"]:
                    raise RuntimeError(f"{name}: {result['wrong']}")
                if each is not None:
                    numbers[load][name].append((each, late(result, "99")))
    return numbers


def _share(found: Mapping[str, list[tuple[float, float]]]) -> float:
    """By how much more CPU an event takes where all is watched: the middle of the rounds."""
    return statistics.median(on / off - 1 for (on, _), (off, _) in zip(found["on"], found["off"], strict=True))


def _table(numbers: Numbers) -> str:
    lines = ["| load | off, us | on, us | more | p99 off, ms | p99 on, ms |", "| --- | --- | --- | --- | --- | --- |"]
    for load, found in numbers.items():
        cells = [statistics.median(value[n] for value in found[name]) for n in (0, 1) for name in ("off", "on")]
        share = f"{_share(found):+.1%}"
        lines.append(f"| {load} | {cells[0]:.1f} | {cells[1]:.1f} | {share} | {cells[2]:.1f} | {cells[3]:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
