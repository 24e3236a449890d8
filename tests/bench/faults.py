"""How long the promises take to be kept: take-over, cancellation, and a front's readers moving to another.

    .venv/bin/python -m tests.bench.faults

Real processes, the default lease, nothing mocked. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import signal
import statistics
import sys
import time

from app.stream import frames, keys
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch

LEASE_SECONDS = 10
LONG = "[[sim: tokens=100000 rate=50 first=0]]"


async def take_overs(count: int) -> list[float]:
    """Seconds from a worker's SIGKILL to the first append of the next attempt, as the channel tells it."""
    times = []
    async with Cluster(workers=2, lease_seconds=LEASE_SECONDS, max_attempts=100) as cluster:
        api = Api(cluster)
        for _ in range(count):
            sight, reading = await begun(api)
            name = (await cluster.redis.hget(keys.meta(sight.stream_id), "holder") or b"").decode()
            number = next(n for n, worker in enumerate(cluster.workers) if f":{worker.pid}:" in name)
            async with cluster.redis.pubsub() as channel:
                await channel.subscribe(keys.channel(sight.stream_id))
                killed = time.monotonic()
                await cluster.workers[number].end()
                while True:
                    message = await channel.get_message(ignore_subscribe_messages=True, timeout=60)
                    if message and any(
                        f.name == "relay.reset" for f in frames.split(message["data"].split(b":", 1)[1])
                    ):
                        break
                times.append(time.monotonic() - killed)
            await api.cancel(sight.stream_id)
            await reading
            cluster.workers[number] = await cluster.worker(number)
        await api.close()
    return times


async def cancellations(count: int) -> list[float]:
    """Seconds from the call to the moment at which the upstream sees its connection closed."""
    times = []
    async with Cluster(fronts=1) as cluster:
        api = Api(cluster)
        for n in range(count):
            sight, reading = await begun(api, f"{LONG} [[sim: tag=cancel-{n}]]")
            called = time.time()
            await api.cancel(sight.stream_id)
            await reading
            tags = (await api.http.get(f"{cluster.claude_url}/_sim/calls")).json()["tags"]
            times.append(tags[f"cancel-{n}"]["last_closed_at"] - called)
        await api.close()
    return times


async def moving(readers: int) -> tuple[float, float]:
    """Seconds until a drained front's readers are caught up on the other, and until the front has gone."""
    async with Cluster(fronts=2, workers=1) as cluster:
        api = Api(cluster)
        stream_id = await api.submit("[[sim: tokens=1500 rate=50 first=0]]")
        sights = [Sight(stream_id) for _ in range(readers)]
        # Past the proxies: 1,000 connections through one of ours would measure it.
        ports = [cluster.front_proxies[n].target[1] for n in (0, 1)]
        reading = [asyncio.create_task(watch(sight, lambda s=sight: ports[min(s.reconnects, 1)])) for sight in sights]  # type: ignore[misc]
        while not all(sight.frames for sight in sights):
            await asyncio.sleep(0.05)
        began = time.monotonic()
        cluster.fronts[0].send(signal.SIGTERM)
        gone = asyncio.create_task(cluster.fronts[0].wait())
        while True:
            length = await cluster.redis.strlen(keys.log(stream_id))
            if all(sight.reconnects and sight.position and sight.position.offset >= length - 2000 for sight in sights):
                break
            await asyncio.sleep(0.05)
        moved = time.monotonic() - began
        status = await gone
        ended = time.monotonic() - began
        assert status == 0
        await asyncio.gather(*reading)
        log = await api.log(stream_id)
        assert all(bytes(sight.seen) == log for sight in sights), "a reader lost something"
        await api.close()
        return moved, ended


async def begun(api: Api, text: str = LONG) -> tuple[Sight, asyncio.Task[None]]:
    sight = Sight(await api.submit(text))
    reading = asyncio.create_task(watch(sight, lambda: api.port))
    while sight.frames < 5:
        await asyncio.sleep(0.005)
    return sight, reading


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(kills: int, cancels: int, readers: int) -> None:
    rows = []
    overs = await take_overs(kills)
    rows.append(
        f"| SIGKILL of a worker to the next attempt's first append ({kills} kills, lease {LEASE_SECONDS} s) | "
        f"p50 {statistics.median(overs):.2f} s, max {max(overs):.2f} s |"
    )
    times = await cancellations(cancels)
    rows.append(
        f"| cancel: from the call to the closed upstream connection ({cancels} cancels) | "
        f"p50 {statistics.median(times) * 1000:.1f} ms, p99 {quantile(times, 0.99) * 1000:.1f} ms |"
    )
    moved, gone = await moving(readers)
    rows.append(
        f"| a front drained with {readers:,} readers: all caught up on the other front, nothing lost | {moved:.1f} s |"
    )
    rows.append(f"| … and the drained front has exited with status 0 | {gone:.1f} s |")
    sys.stdout.write("\n".join(["| what | measured |", "| --- | --- |", *rows]) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--cancels", type=int, default=200)
    parser.add_argument("--readers", type=int, default=1000)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    asyncio.run(measure(options.kills, options.cancels, options.readers))
