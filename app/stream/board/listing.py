"""The streams that an operator is shown: some that run, some that wait, some that have ended; and never their texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from app.stream import keys
from app.stream.redis.each import of_each
from app.stream.scripts import source

RUNNING_MOST, WAITING_MOST = 60, 20
ALL_MOST = 100
MEASURED = 20

_FIELDS = ("owner", "state", "outcome", "model", "attempt", "created_at", "ended_at", "withdrawn")


# Of a stream's meta, what takes room.
_LARGE = ("request", "message", "calls")


@dataclass(frozen=True, slots=True)
class Listed:
    """A stream: `worker` is who holds it, or held it last where its lease has ended; '' for one that nobody holds.

    `now` is the time by the clock that its own times are of, in ms.
    """

    stream_id: str
    worker: str
    meta: dict[str, bytes]
    now: int


async def listed(redis: Redis, logs: Redis) -> Sequence[Listed]:
    """At most `ALL_MOST` streams: those under a lease, the next in the line, those that wait for a person, and those
    that have ended last, newest first. Raises Redis' errors.
    """
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zrange(keys.LEASES, 0, RUNNING_MOST - 1)
        pipe.zrange(keys.JOBS, 0, WAITING_MOST - 1)
        pipe.zrange(keys.APPROVALS, 0, WAITING_MOST - 1)
        pipe.xrevrange(keys.OUTBOX, count=ALL_MOST)
        leased, waiting, asking, outbox = await pipe.execute()
    ended = [entry[b"id"] for _, entry in outbox if _is_ending(entry)]
    ids = list(dict.fromkeys([*leased, *waiting, *asking, *ended]))[:ALL_MOST]
    if not ids:
        return []
    claims = await redis.hmget(keys.CLAIMS, [stream_id.decode() for stream_id in leased] or [""])  # type: ignore[misc]  # redis-py's types mix both clients
    glance = source("log/glance")
    names = [stream_id.decode() for stream_id in ids]
    glances = await of_each(logs, names, lambda pipe, one: pipe.eval(glance, 1, keys.meta(one), *_FIELDS))
    holders = dict(zip(leased, claims, strict=False))
    found = (
        Listed(stream_id, _holder(holders.get(stream_id.encode())), _meta(values), now)
        for stream_id, (now, values) in glances.items()
    )
    return [one for one in found if "state" in one.meta and "withdrawn" not in one.meta]


async def stream_bytes(redis: Redis, logs: Redis) -> int | None:
    """What a stream takes in Redis, about: its log, its prompt and its Message, of those that ended last and are kept.

    None where there are none. Raises Redis' errors.
    """
    entries = await redis.xrevrange(keys.OUTBOX, count=MEASURED)
    ids = [entry[b"id"].decode() for _, entry in entries if _is_ending(entry)]
    if not ids:
        return None
    async with logs.pipeline(transaction=False) as pipe:
        for stream_id in ids:
            pipe.strlen(keys.log(stream_id))
            for field in _LARGE:
                pipe.hstrlen(keys.meta(stream_id), field)
        lengths = await pipe.execute()
    parts = 1 + len(_LARGE)
    sizes = [sum(lengths[n : n + parts]) for n in range(0, len(lengths), parts) if lengths[n]]
    return sum(sizes) // len(sizes) if sizes else None


def _is_ending(entry: dict[bytes, bytes]) -> bool:
    """Whether an entry of the outbox is an ended stream: what is of another kind says so."""
    return b"id" in entry and b"kind" not in entry


def _meta(values: Iterable[bytes | None]) -> dict[str, bytes]:
    return {name: value for name, value in zip(_FIELDS, values, strict=True) if value is not None}


def _holder(claim: bytes | None) -> str:
    """Of `<times>|<place>|<fence>|<holder>/<number of the claim>`."""
    return "" if claim is None else claim.decode().split("|", 3)[-1].rpartition("/")[0]
