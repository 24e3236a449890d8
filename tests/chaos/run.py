"""One run: a cluster, a load, a nemesis; and then, when all is quiet, a look for what was left behind."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import httpx
import psutil

from app.stream import keys
from tests.chaos.load import Load
from tests.chaos.nemesis import Nemesis
from tests.harness.cluster import Cluster

LEASE_SECONDS = 2.0
WORKERS = 3
FRONTS = 2
SETTINGS = {
    "lease_seconds": LEASE_SECONDS,
    # Kills come thick here: streams are to survive them, not to run out of calls.
    "max_attempts": 50,
    "drain_seconds": 2,
    "worker_streams": 40,
    "stream_seconds_max": 40,
    "stall_timeout": 5,
}
# After the last stream has ended: leases, subscriptions and connections have so long to go.
QUIET_SECONDS = 10.0
# Beside listeners, Redis' pool and the channel: what a front may still hold open with no client there.
DESCRIPTORS = 90


@dataclass
class Report:
    """What was done, and what went wrong."""

    streams: int
    reconnects: int
    resets: int
    outcomes: dict[str, int]
    faults: dict[str, int]
    violations: list[str] = field(default_factory=list)

    def text(self) -> str:
        faults = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(self.faults.items()))
        outcomes = ", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items()))
        lines = [
            f"{self.streams} streams ({outcomes}), {self.reconnects} reconnects, {self.resets} resets",
            f"{sum(self.faults.values())} faults: {faults}",
            f"{len(self.violations)} violations",
            *self.violations,
        ]
        return "\n".join(lines)


async def chaos(seconds: float, rng: random.Random, width: int) -> Report:
    """Runs for `seconds`, then until every stream has ended and all is quiet."""
    async with Cluster(workers=WORKERS, fronts=FRONTS, **SETTINGS) as cluster:
        load = Load(cluster, random.Random(rng.random()), width)  # noqa: S311 - to repeat it
        nemesis = Nemesis(cluster, random.Random(rng.random()), LEASE_SECONDS)  # noqa: S311 - as above
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run(seconds))
            group.create_task(nemesis.run(seconds))
        sights = [sight for case in load.cases for sight in case.sights]
        return Report(
            streams=len(load.cases),
            reconnects=sum(sight.reconnects for sight in sights),
            resets=sum(sight.resets + sight.fronts_resets for sight in sights),
            outcomes=load.outcomes,
            faults=dict(nemesis.counts),
            violations=[*load.violations, *await left_behind(cluster)],
        )


async def left_behind(cluster: Cluster) -> list[str]:
    """What should have gone, and has not within `QUIET_SECONDS`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + QUIET_SECONDS
    while (left := await _look(cluster)) and loop.time() < deadline:
        await asyncio.sleep(0.1)
    return left


async def _look(cluster: Cluster) -> list[str]:
    redis = cluster.redis
    left = [f"{key} is not empty" for key in (keys.JOBS, keys.LEASES, keys.CLAIMS) if await redis.exists(key)]
    for key in await redis.keys("*"):
        if await redis.ttl(key) == -1:
            left.append(f"{key.decode()} has no TTL")
        if key.startswith(b"arq:"):
            left.append(f"{key.decode()} was left")
    left += [f"somebody listens to {channel.decode()}" for channel in await redis.pubsub_channels("ks:{st_*")]
    async with httpx.AsyncClient() as http:
        calls = (await http.get(f"{cluster.claude_url}/_sim/calls")).json()
    if calls["open"]:
        left.append(f"{calls['open']} upstream calls are still open")
    for front in cluster.fronts:
        descriptors = psutil.Process(front.pid).num_fds()
        if descriptors > DESCRIPTORS:
            left.append(f"{front.name} holds {descriptors} descriptors")
    return left
