"""What the tests of the queue share: streams that are submitted and taken, and what stands in Redis then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import NO_DEMAND, share_of
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.gates import Gates, Report, Turns

LIFE_MS = 600_000
LEASE_MS = 60_000
LIMIT = 4
ROOM = 10_000
ANSWER_SECONDS = 30.0


async def submit(queue: Queue, *stream_ids: str) -> None:
    for stream_id in stream_ids:
        submitted = await queue.submit(stream_id, limit=LIMIT, life_ms=LIFE_MS)
        assert (submitted.stream_id, submitted.repeated) == (stream_id, False)


async def take(queue: Queue, holder: str = "one", number: int = 1, slots: int = 1) -> list[Claim]:
    return await queue.claim(holder, number, slots=slots, lease_ms=LEASE_MS)


async def in_line(redis: Redis) -> list[str]:
    return [member.decode() for member in await redis.zrange(keys.JOBS, 0, -1)]


async def leased(redis: Redis) -> set[str]:
    return {member.decode() for member in await redis.zrange(keys.LEASES, 0, -1)}


async def let_expire(redis: Redis, *stream_ids: str) -> None:
    """Their leases' time is over."""
    for stream_id in stream_ids:
        assert await redis.zadd(keys.LEASES, {stream_id: 1}, xx=True, ch=True) == 1


async def everything(redis: Redis) -> dict[bytes, Any]:
    """All there is, to be compared."""
    return {key: await redis.dump(key) for key in await redis.keys("*")}


async def ask(redis: Redis, told: Report = Report(), worker: str = "w", **asked: int) -> Turns:  # noqa: B008  # frozen
    return await Gates(redis).ask("m", told, worker=worker, **{"unanswered": 0, "waiting": 0, "room": 0, **asked})


async def say(queue: Queue, *stream_ids: str, weight: float = 1.0, limit: int = ROOM) -> None:
    """Whose a stream is, its id says: `alice:1` is alice's, `acme_bob:1` that of acme's user bob."""
    for stream_id in stream_ids:
        owner = stream_id.partition(":")[0].replace("_", "/")
        share = replace(share_of(owner, NO_DEMAND), weight=weight)
        await queue.submit(stream_id, limit=limit, life_ms=LIFE_MS, share=share)


def many(owner: str, number: int) -> list[str]:
    return [f"{owner}:{n}" for n in range(number)]


async def taken(queue: Queue, number: int, *, by: str = "worker") -> list[str]:
    return [claim.stream_id for claim in await take(queue, by, number, number)]


async def cancel(queue: Queue, *stream_ids: str) -> None:
    for stream_id in stream_ids:
        [claim] = await queue.claim(f"front.{stream_id}", 1, slots=1, lease_ms=LEASE_MS, stream_id=stream_id)
        assert await queue.done(claim)


async def park(queue: Queue, *stream_ids: str) -> None:
    for stream_id in stream_ids:
        [claim] = await queue.claim(f"parks.{stream_id}", 1, slots=1, lease_ms=LEASE_MS, stream_id=stream_id)
        assert await queue.park(claim, "m", LIFE_MS)
