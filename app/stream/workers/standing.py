"""How the queue stands, in numbers: one trip of cheap commands, for who looks every few seconds.

The rule: nothing is written, and nothing that grows with the queue is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.board.board import Board
from app.stream.redis.memory import fullest_of, room_of

# A worker renews three times in a lease; who has not for so many leases is not counted any more.
LEASES_UNRENEWED = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """`oldest_seconds`: how long the one has waited who has waited longest. `capacity`: how many streams those workers
    may run that take any. `held_models`: of which streams wait at the gate. `max_bytes`: 0 where Redis has no bound;
    both are of the fullest server.
    `asking`: how many streams wait for a person; `put_by`: for a worker of a newer version.
    """

    waiting: int
    oldest_seconds: float
    leases: int
    workers: int
    capacity: int
    held_models: int
    used_bytes: int
    max_bytes: int
    asking: int = 0
    put_by: int = 0


async def standing(redis: Redis, lease_seconds: float, logs: Redis | None = None) -> Standing:
    """`logs`: where the streams are, if not there. Raises Redis' errors."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.zcard(keys.JOBS)
        pipe.zrange(keys.SINCE, 0, 0, withscores=True)
        pipe.zcard(keys.LEASES)
        pipe.zrange(keys.WORKERS, 0, -1, withscores=True)
        pipe.hgetall(keys.PROCESSES)
        pipe.smembers(keys.LINES)
        pipe.info("memory")
        pipe.zcard(keys.APPROVALS)
        pipe.zcard(keys.NEWER)
        (seconds, micros), waiting, first, leases, workers, processes, lines, memory, *counts = await pipe.execute()
    now_ms = seconds * 1000 + micros / 1000
    room = await fullest_of(room_of(memory), logs)
    there = _renewed(workers, now_ms - LEASES_UNRENEWED * lease_seconds * 1000)
    return Standing(
        waiting=waiting,
        oldest_seconds=max(0.0, (now_ms - first[0][1]) / 1000) if first else 0.0,
        leases=leases,
        workers=len(there),
        capacity=_capacity(processes, there),
        held_models=len(await Board(redis).held([line.decode(errors="replace") for line in lines])) if lines else 0,
        used_bytes=room.used,
        max_bytes=room.most,
        asking=counts[0],
        put_by=counts[1],
    )


def _renewed(workers: Sequence[tuple[bytes, float]], since_ms: float) -> set[bytes]:
    return {name for name, renewed in workers if renewed >= since_ms}


def _capacity(processes: Mapping[bytes, bytes], there: Iterable[bytes]) -> int:
    """By what they said last of themselves, each `<ms> <number> <JSON>`."""
    said = [orjson.loads(processes[name].split(b" ", 2)[2]) for name in there if name in processes]
    return sum(numbers.get("capacity", 0) for numbers in said if not numbers.get("draining"))
