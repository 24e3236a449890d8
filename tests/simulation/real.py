"""A small Keepstream of real processes beside the simulated one: the same streams, and how long each waited.

The rule: what is compared is what the simulation is for, whose turn is when and after how long; a real machine that has
other things to do is late, and never early.
"""

from __future__ import annotations

import asyncio

from app.stream import keys
from tests.bench.sizing.formula import figures
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.simulation.scenarios import burst, quantile

STREAMS, FRONTS, WORKERS, SLOTS = 40, 2, 3, 10
TOKENS, RATE = 100, 50


async def waits() -> list[float]:
    """Seconds from submit to the first claim of each, with real processes; all come at one moment."""
    async with Cluster(fronts=FRONTS, workers=WORKERS, worker_streams=SLOTS) as cluster:
        api = Api(cluster)
        prompt = f"[[sim: tokens={TOKENS} rate={RATE} first=0]]"
        ids = await asyncio.gather(*(api.submit(prompt) for _ in range(STREAMS)))
        found = []
        for stream_id in ids:
            while not await cluster.redis.hget(keys.meta(stream_id), "started_at"):
                await asyncio.sleep(0.05)
            created, started = await cluster.redis.hmget(keys.meta(stream_id), "created_at", "started_at")
            found.append((int(started) - int(created)) / 1000)
        await api.close()
    return sorted(found)


async def beside() -> str:
    """A table of both."""
    real = await waits()
    simulated = await asyncio.to_thread(
        burst, figures(), 7, streams=STREAMS, workers=WORKERS, slots=SLOTS, answer_seconds=TOKENS / RATE
    )
    shares = (0.25, 0.5, 0.7, 0.8, 0.9, 0.99)
    lines = [
        f"| {STREAMS} streams at once, {FRONTS} fronts, {WORKERS} workers of {SLOTS} | simulated | real |",
        "| --- | ---: | ---: |",
        *(
            f"| waited, p{share * 100:.0f} | {quantile(simulated, share):.2f} s | {quantile(real, share):.2f} s |"
            for share in shares
        ),
    ]
    return "\n".join(lines) + "\n"
