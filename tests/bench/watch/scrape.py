"""How long a scrape keeps a process: the pages of a front with 1,000 streams and 10,000 readers, and of a worker.

    python -m tests.bench.watch.scrape

On real objects (a hub with its tails and readers, everything counted that can be), without a network: a page is made
on the loop, and while it is made nobody is served. Counted is the processor's time, which is all that it takes on a
machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Callable

from redis.asyncio import Redis
from starlette.routing import Route

from app.faces.board import routes as board
from app.faces.board.scraped import sampled
from app.faces.chat import routes as chat
from app.faces.conversations import routes as conversations
from app.faces.messages import passthrough
from app.faces.messages import routes as messages
from app.faces.native import routes as native
from app.faces.usage import routes as usage
from app.fanout.hub import Hub
from app.fanout.reader import PullReader
from app.fanout.tail import Tail
from app.stream.channel import Channel
from app.stream.counts.distribution import Distribution
from app.stream.frames import origin
from app.stream.log import Log
from app.stream.queue import Queue
from app.stream.scripts import NAMES
from app.stream.workers.gates import Gates, Limit
from app.stream.workers.standing import Standing
from app.watch.events import of_fronts, of_streams
from app.watch.events.subjects import NOBODY
from app.watch.metrics.exposition import OPENMETRICS
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.numbers import WorkerNumbers
from app.watch.metrics.parts import front_metrics, worker_metrics
from app.watch.metrics.parts.front_metrics import FrontMetrics
from app.watch.metrics.parts.queue_metrics import QueueMetrics
from app.watch.metrics.parts.worker_metrics import WorkerMetrics

ROUTES = (native, chat, conversations, messages, passthrough, usage, board)
MODELS = tuple(f"claude-model-{number}" for number in range(6))
SCRIPTS_OF_FRONT = ("log/", "queue/submit", "queue/positions", "conversations/", "board/", "saved/ask")
LIMITS = ("requests", "tokens", "input-tokens", "output-tokens")
TIMES = 200
GOAL_MS = 5.0


def front_with(streams: int, readers: int) -> tuple[Metrics, Hub]:
    redis: Redis = Redis()
    hub = Hub(redis, Log(redis), Queue(redis), Channel(redis))
    Gates(redis)
    for number in range(streams):
        stream_id = f"st_{number}"
        tail = hub._tails[stream_id] = Tail(stream_id, hub.log, origin(stream_id))
        for _ in range(readers // streams):
            tail.audience.add(PullReader(origin(stream_id)))
    metrics = Metrics(FrontMetrics(), lambda: timed(SCRIPTS_OF_FRONT))
    lag = spread()
    metrics.samples(lambda: front_metrics.read(sampled(hub, lag, ready=True)))
    for route in (route for room in ROUTES for route in room.ROUTES if isinstance(route, Route)):
        for status in (200, 404, 429):
            metrics.told(of_fronts.RequestServed(NOBODY, "GET", route.path, status, 0.1, ""))
    return metrics, hub


def worker() -> Metrics:
    metrics = Metrics(WorkerMetrics(), lambda: timed(("log/", "queue/", "gate/", "board/", "saved/")))
    limits = {name: Limit(name, 100, 50, 1000) for name in LIMITS}
    metrics.samples(
        lambda: worker_metrics.read(WorkerNumbers(50, 50, draining=False, batch_frames=spread(), limits=limits))
    )
    for model in MODELS:
        metrics.told(of_streams.CallPaid(NOBODY, model, 10, 10, 10, 10, 0.1))
        metrics.told(of_streams.FirstContent(NOBODY, 1, model, 1.0, 1.0, 1.0))
        for outcome in ("completed", "truncated", "refused", "failed", "cancelled", "expired"):
            metrics.told(of_streams.Ended(NOBODY, model, outcome, "", "", "", 1, seconds=1.0))
    return metrics


def timed(rooms: tuple[str, ...]) -> dict[str, Distribution]:
    return {name: spread() for name in NAMES.values() if name.startswith(rooms)}


def spread() -> Distribution:
    found = Distribution()
    for bound in found.bounds:
        found.add(bound)
    return found


def measure(page: Callable[[str], object], forget: Callable[[], None], form: str) -> list[float]:
    took = []
    for _ in range(TIMES):
        forget()
        began = time.thread_time()
        page(form)
        took.append((time.thread_time() - began) * 1000)
    return took[TIMES // 10 :]  # the first ones load the library


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.watch.scrape", description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--readers", type=int, default=10_000)
    options = parser.parse_args()
    front, hub = front_with(options.streams, options.readers)
    queue = QueueMetrics(_standing)
    front.samples(queue.counted)
    await queue.look()
    there = sum(len(tail.readers) for tail in hub.tails)
    sys.stdout.write(f"a front with {len(hub.tails)} streams and {there} readers, and a worker; ms of {TIMES}\n\n")
    sys.stdout.write("| page | lines | KiB | p50 | p99 |\n| --- | --- | --- | --- | --- |\n")
    worst = 0.0
    for name, metrics in (("front", front), ("worker", worker())):
        for form, called in (("", "text"), (OPENMETRICS, "OpenMetrics")):
            took = measure(metrics.page, metrics._pages.clear, form)
            middle, last = statistics.median(took), statistics.quantiles(took, n=100)[98]
            worst = max(worst, middle)
            body = metrics.page(form).body
            lines = body.count(b"\n")
            size = f"{lines} | {len(body) / 1024:.0f}"
            sys.stdout.write(f"| {name}, {called} | {size} | {middle:.2f} | {last:.2f} |\n")
    sys.stdout.write(f"\nthe goal is {GOAL_MS:g} ms\n")
    return 1 if worst > GOAL_MS else 0


async def _standing() -> Standing:
    return Standing(10, 1.0, 50, 1, 50, 0, 10**9, 2 * 10**9)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
