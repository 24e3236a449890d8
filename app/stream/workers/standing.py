"""How the queue stands, in numbers: one trip of cheap commands, for who looks every few seconds.

The rule: nothing is written, and nothing that grows with the queue is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from app.stream import keys

# A worker renews three times in a lease; who has not for so many leases is not counted any more.
LEASES_UNRENEWED = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """`oldest_seconds`: how long the one has waited who has waited longest. `held_models`: of which streams wait at the
    gate. `max_bytes`: 0 where Redis has no bound.
    """

    waiting: int
    oldest_seconds: float
    leases: int
    workers: int
    held_models: int
    used_bytes: int
    max_bytes: int


async def standing(redis: Redis, lease_seconds: float) -> Standing:
    """Raises Redis' errors."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.zcard(keys.JOBS)
        pipe.zrange(keys.SINCE, 0, 0, withscores=True)
        pipe.zcard(keys.LEASES)
        pipe.zrange(keys.WORKERS, 0, -1, withscores=True)
        pipe.smembers(keys.LINES)
        pipe.info("memory")
        (seconds, micros), waiting, first, leases, workers, lines, memory = await pipe.execute()
    now_ms = seconds * 1000 + micros / 1000
    return Standing(
        waiting=waiting,
        oldest_seconds=max(0.0, (now_ms - first[0][1]) / 1000) if first else 0.0,
        leases=leases,
        workers=_renewed(workers, now_ms - LEASES_UNRENEWED * lease_seconds * 1000),
        held_models=len(lines),
        used_bytes=memory["used_memory"],
        max_bytes=memory.get("maxmemory", 0),
    )


def _renewed(workers: Sequence[tuple[bytes, float]], since_ms: float) -> int:
    return sum(renewed >= since_ms for _, renewed in workers)
