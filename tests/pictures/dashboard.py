"""Takes the shelf's picture of the dashboard anew: `python -m tests.pictures.dashboard`, with Debian's `prometheus`.

A real Prometheus reads real processes while they are asked for answers, while the upstream fails now and then and
limits its calls for a while, while a worker is killed and a front drains, and until no worker is left. What is drawn is
what it answers to the dashboard's own expressions. Told are the alerts that fired, and what had no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
import time
from pathlib import Path

import httpx

from tests.deploy.dashboards import PANELS, ROWS, asked
from tests.harness.api import Api
from tests.harness.reader import Refused, Sight, watch
from tests.pictures.panels import draw, lines_of
from tests.pictures.watched import Watched

PICTURE = Path(__file__).parents[2] / "app" / "docs" / "pictures" / "dashboard.png"
STEP_SECONDS = 5
FIRST_RATE_SECONDS = 30  # before that there is nothing to take a rate over
SUBMITS_A_SECOND = 2.5
READERS = 2
# What is asked, and how often of all: mostly what goes well.
ASKED = (
    ("tokens=120 rate=60 first=0.4", 70),
    ("tokens=400 rate=90 first=0.8", 12),
    ("tokens=60 rate=60 status=529 times=1", 6),
    ("tokens=90 rate=60 cut-after=20 times=1", 4),
    ("tokens=40 rate=40 first=6", 3),
    ("max-tokens tokens=80", 2),
    ("refusal", 1),
    ("status=529", 1),
    ("status=400", 1),
)
LIMIT = {"calls": "1.5", "burst": "2"}
# From the start, in seconds: what happens.
KILLED, REPLACED, LIMITED, UNLIMITED, DRAINED, ALL_KILLED = 75, 90, 120, 170, 190, 225


class Crowd:
    """People who ask and read, some of whom leave and come back, and some of whom cancel."""

    def __init__(self, cluster: Watched) -> None:
        self._cluster = cluster
        self._apis = [Api(cluster, number) for number in range(len(cluster.front_proxies))]
        self._chance = random.Random(12)  # noqa: S311 - no secret
        self._tasks: set[asyncio.Task[None]] = set()

    async def comes(self) -> None:
        """Asks on until it is cancelled."""
        number = 0
        try:
            while True:
                number += 1
                task = asyncio.create_task(self._one(number))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                await asyncio.sleep(self._chance.expovariate(SUBMITS_A_SECOND))
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for api in self._apis:
                await api.close()

    async def _one(self, number: int) -> None:
        [directive] = self._chance.choices([what for what, _ in ASKED], [often for _, often in ASKED])
        api = self._chance.choice(self._apis)
        try:
            stream_id = await api.submit(f"{number} [[sim: {directive}]]")
            if number % 25 == 0:
                await api.cancel(stream_id)
        except (httpx.TransportError, AssertionError):
            return  # of a front that drains, or is not there
        await asyncio.gather(*(self._reads(stream_id) for _ in range(READERS)))

    async def _reads(self, stream_id: str) -> None:
        leaves = (lambda: self._chance.uniform(0.2, 1.5)) if self._chance.random() < 0.2 else None
        with contextlib.suppress(Refused, OSError):
            await watch(Sight(stream_id), self._cluster.any_front, leave_after=leaves)


async def happens(cluster: Watched, begun: float) -> None:
    """One misfortune after the other."""

    async def at(second: float) -> None:
        await asyncio.sleep(max(begun + second - time.time(), 0))

    await at(KILLED)
    cluster.workers[1].send(signal.SIGKILL)
    await at(REPLACED)
    cluster.workers[1] = await cluster.worker(1)
    async with httpx.AsyncClient() as http:
        await at(LIMITED)
        await http.post(f"{cluster.claude_url}/_sim/rates", params=LIMIT)
        await at(UNLIMITED)
        await http.post(f"{cluster.claude_url}/_sim/rates")
    await at(DRAINED)
    cluster.fronts[1].send(signal.SIGTERM)
    await cluster.fronts[1].wait()
    cluster.fronts[1] = await cluster.front(1)
    await at(ALL_KILLED)
    for worker in cluster.workers:
        worker.send(signal.SIGKILL)
    async with asyncio.timeout(180):
        while "KeepstreamNoWorker" not in await cluster.prometheus.firing():
            await asyncio.sleep(1)
    await asyncio.sleep(4 * STEP_SECONDS)  # for it to be seen


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def main() -> None:
    async with Watched(workers=3, fronts=2, drain_seconds=5, worker_streams=10, lease_seconds=3) as cluster:
        begun = time.time()
        crowd = asyncio.create_task(Crowd(cluster).comes())
        await happens(cluster, begun)
        ended = time.time()
        crowd.cancel()
        await asyncio.gather(crowd, return_exceptions=True)
        over = {"start": str(begun + FIRST_RATE_SECONDS), "end": str(ended), "step": str(STEP_SECONDS)}
        count = int((ended - begun - FIRST_RATE_SECONDS) // STEP_SECONDS) + 1
        moments = [begun + FIRST_RATE_SECONDS + STEP_SECONDS * number for number in range(count)]
        drawn = []
        for panel in PANELS:
            lines = []
            for expression, legend in asked(panel):
                answer = await cluster.prometheus.ask("query_range", query=expression, **over)
                lines += lines_of(answer["result"], legend, moments)
                if not answer["result"]:
                    tell(f"no answer: {panel['title']}: {expression}")
            drawn.append((panel, lines))
        fired = await cluster.prometheus.ask("query_range", query='ALERTS{alertstate="firing"}', **over)
        for one in fired["result"]:
            tell(f"fired: {one['metric']['alertname']}, {float(one['values'][0][0]) - begun:.0f} s after the start")
    draw(drawn, ROWS, PICTURE)


if __name__ == "__main__":
    asyncio.run(main())
