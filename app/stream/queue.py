"""The queue: submit, claim, renew, done, give back, and the place in the line.

The law: a job is in the line or under a lease, never in both and never in neither until it is done; each claim raises
the fence, and only the newest claim may renew, finish or give back. Knows nothing of logs: no script here touches a
stream's keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import (
    NO_DEMAND,
    NO_STANDING,
    NOBODYS,
    Bill,
    Demand,
    Share,
    Standing,
    over_of,
    standing_of,
    words_of,
)
from app.stream.approvals.approvals import Approvals
from app.stream.errors import IdempotencyConflictError, LimitedError, QueueFullError
from app.stream.ledger import by_day
from app.stream.limits.room import Room
from app.stream.log import Claim
from app.stream.redis.ordered import Prepared, in_order
from app.stream.scripts import source, source_on_full
from app.stream.upgrades.jobs import PutBy, job
from app.stream.upgrades.language import VERSION

# What a client that finds the queue full is told to wait, in seconds: long enough for some streams to end.
RETRY_AFTER_SECONDS = 5
WITHOUT_LIMIT = 2**53
# A worker that has not renewed for so many leases is no longer listed.
FORGET_AFTER_LEASES = 6


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A client's key, with a digest of the body it stands for."""

    owner: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """`stream_id` is another one than was submitted where the Idempotency-Key already stood for that one.

    `replies` are those of what was asked behind it. `standing`: what is left of the owner's rates. `waiting`: how many
    others waited.
    """

    stream_id: str
    repeated: bool
    replies: tuple[Any, ...] = ()
    standing: Standing = NO_STANDING
    waiting: int = 0


class Queue:
    """The queue of one Redis."""

    def __init__(self, redis: Redis, usage_days: int = by_day.DAYS, *, logs: Redis | None = None) -> None:
        """`usage_days`: for so long the sums of a day are kept. `logs`: where the streams are, if not there."""
        self._redis = redis
        self.room = Room(redis)
        self.approvals = Approvals(redis, logs)
        self.put_by = PutBy(redis)
        self._usage_seconds = usage_days * by_day.DAY_SECONDS
        clock, line, expired = "queue/lease_clock", ("queue/turns", "queue/places", "queue/line"), "queue/expired"
        ends = "queue/accounts", "queue/settle", "queue/usage", "board/step"
        self._submit = redis.register_script(source("queue/accounts", "queue/admit", *line, "queue/submit"))
        self._claim = redis.register_script(source_on_full(clock, *line, expired, "queue/newer", "queue/claim"))
        self._renew = redis.register_script(source_on_full(clock, *line, "queue/renew"))
        self._done = redis.register_script(source_on_full(*ends, *line, "queue/done"))
        self._overdue = redis.register_script(source_on_full(clock, *line, expired, "queue/overdue"))
        self._give_back = redis.register_script(source_on_full(*line, "queue/give_back"))
        self._park = redis.register_script(source_on_full(*line, "queue/park"))
        self._hurry = redis.register_script(source_on_full("queue/hurry"))
        self._positions = redis.register_script(source(*line, "queue/positions"))

    async def submit(
        self,
        stream_id: str,
        *,
        limit: int,
        life_ms: int,
        share: Share = NOBODYS,
        size: int = 0,
        most_bytes: int = WITHOUT_LIMIT,
        idempotency: Idempotency | None = None,
        replaces: str = "",
        demand: Demand = NO_DEMAND,
        version: int = 1,
        after: Prepared | None = None,
        then: Sequence[Prepared] = (),
    ) -> Submitted:
        """Puts a stream in the line, at the place that is its `share`'s next.

        `size` is what its prompt takes, and `most_bytes` what all that wait may; `replaces` is a dead stream that the
        key may still name; `demand` is what it asks of the owner's limits; `version` is what its worker has to know;
        `after` is run before and `then` behind, in the same trip where they are of one server.
        Raises `QueueFullError`; `LimitedError`; `IdempotencyConflictError` where the key stands for another body.
        """
        record = keys.idempotency(idempotency.owner, idempotency.key) if idempotency else keys.JOBS
        digest = idempotency.digest if idempotency else ""
        submit = Prepared(
            self._submit,
            [*keys.LINE, keys.arq_job(stream_id), record, keys.FENCE, keys.reserved(stream_id)],
            [
                *(stream_id, limit, job(version), life_ms, digest, replaces),
                *(keys.WAKE, keys.QUEUE_SECONDS, size, most_bytes),
                *share.words,
                demand.reserve_nano,
                keys.ACCOUNT,
                *words_of(demand),
            ],
        )
        before = [after] if after is not None else []
        replies = (await in_order(*before, submit, *then))[len(before) :]
        status, found, *told = replies[0]
        match status, told:
            case b"full", _:
                raise QueueFullError(RETRY_AFTER_SECONDS)
            case b"share", _:
                raise QueueFullError(RETRY_AFTER_SECONDS, of_owner=True)
            case b"limited", [_, over, standing, now]:
                raise LimitedError(over_of(demand, over, standing_of(standing), int(now)))
            case b"other", _:
                raise IdempotencyConflictError(found.decode())
            case _, [waiting, _, standing, *_]:
                return Submitted(found.decode(), status == b"same", tuple(replies[1:]), standing_of(standing), waiting)
            case _:
                raise AssertionError(status)

    async def claim(
        self, holder: str, number: int, *, slots: int, lease_ms: int, stream_id: str = "", version: int = VERSION
    ) -> list[Claim]:
        """Takes up to `slots` jobs from the head of the line, or `stream_id` alone if it waits there, or for a person.

        `number` counts this holder's claims: repeated with the same number, a claim gives the same answer. What needs a
        worker of a newer `version` is put by; who names a stream means to end it, whatever it needs.
        """
        calm, reply = await self._claim(
            keys=[
                *(*keys.LINE, keys.LEASES, keys.CLAIMS, keys.FENCE, keys.replay(holder), keys.HELD, keys.CLOCK),
                *(keys.APPROVALS, keys.NEWER),
            ],
            args=[
                *(slots, holder, number, lease_ms, stream_id, keys.QUEUE_SECONDS, keys.REPLAY_SECONDS, keys.alive("")),
                *(keys.WAKE, version, keys.arq_job("")),
            ],
        )
        name = f"{holder}/{number}"
        return [
            Claim(stream_id.decode(), fence, name, times, calm=bool(calm), stalled=bool(stalled))
            for stream_id, fence, times, stalled in zip(*(reply[n::4] for n in range(4)), strict=True)
        ]

    async def renew(self, worker: str, claims: Iterable[Claim], lease_ms: int) -> set[str]:
        """Renews the leases and the worker's place among the living; returns the ids that were refused."""
        reply = await self._renew(
            keys=[*keys.LINE, keys.LEASES, keys.CLAIMS, keys.WORKERS, keys.CLOCK],
            args=[worker, lease_ms, keys.QUEUE_SECONDS, FORGET_AFTER_LEASES * lease_ms, *_flat(claims)],
        )
        return {stream_id.decode() for stream_id in reply}

    async def done(
        self,
        claim: Claim,
        entry: Mapping[str, str | bytes | int] | None = None,
        bill: Bill | None = None,
    ) -> bool:
        """Drops lease and job and puts `entry` on the outbox; False where somebody newer holds the stream.

        `bill` is what it did cost, and is counted; without one nobody was told of the stream, and it did cost nothing.
        """
        flat = [part for pair in (entry or {}).items() for part in pair]
        cost = bill or Bill()
        reply = await self._done(
            keys=[
                *keys.LINE,
                keys.LEASES,
                keys.CLAIMS,
                keys.OUTBOX,
                keys.arq_job(claim.stream_id),
                keys.arq_retry(claim.stream_id),
                keys.reserved(claim.stream_id),
            ],
            args=[
                claim.stream_id,
                claim.fence,
                claim.holder,
                keys.OUTBOX_LENGTH,
                keys.QUEUE_SECONDS,
                keys.SUBMIT_SECONDS,
                *by_day.counted(bill, self._usage_seconds),
                "?" if cost.lost else f"{cost.nano}?{cost.unpriced}",
                cost.output_tokens,
                keys.ACCOUNT,
                keys.STEPS,
                keys.DAYS,
                (entry or {}).get("outcome", ""),
                *flat,
            ],
        )
        return bool(reply)

    async def give_back(self, claims: Sequence[Claim]) -> int:
        """Returns jobs to their old place in the line, uncounted; returns how many were still ours."""
        return int(
            await self._give_back(
                keys=[*keys.LINE, keys.LEASES, keys.CLAIMS],
                args=[keys.WAKE, keys.QUEUE_SECONDS, *_flat(claims)],
            )
        )

    async def park(self, claim: Claim, model: str, longest_ms: int) -> bool:
        """Lets a claimed stream wait at the gate of `model` without a holder, uncounted; False where it is not ours.

        After `longest_ms` it may be claimed although its turn has not come.
        """
        return bool(
            await self._park(
                keys=[
                    *keys.LINE,
                    keys.LEASES,
                    keys.CLAIMS,
                    keys.gate_line(model),
                    keys.gate_turns(model),
                    keys.HELD,
                    keys.LINES,
                ],
                args=[
                    claim.stream_id,
                    claim.fence,
                    claim.holder,
                    longest_ms,
                    keys.QUEUE_SECONDS,
                    keys.GATE_SECONDS,
                    model,
                    keys.gate(model),
                ],
            )
        )

    async def hurry(self, stream_id: str) -> None:
        """Puts one that waits at the head of the line, for whoever ends it; does nothing to one that does not wait."""
        await self._hurry(keys=[keys.JOBS], args=[stream_id, keys.WAKE])

    async def overdue(self, longest_wait_ms: int, most: int) -> list[str]:
        """The ids of streams that have waited for longer than that, of `most` the oldest first."""
        reply = await self._overdue(
            keys=[*keys.LINE, keys.LEASES, keys.CLAIMS, keys.CLOCK],
            args=[longest_wait_ms, most, keys.QUEUE_SECONDS, keys.WAKE],
        )
        return [stream_id.decode() for stream_id in reply]

    async def find(self, owner: str, key: str) -> str | None:
        """The id of the stream that an Idempotency-Key stands for; that stream itself may be gone."""
        found: bytes | None = await self._redis.hget(keys.idempotency(owner, key), "id")  # type: ignore[misc]  # redis-py's types mix both clients
        return found.decode() if found else None

    async def position(self, stream_id: str) -> int | None:
        """The place in the line, 1 for the next; None for a stream that does not wait."""
        return (await self.positions([stream_id]))[0]

    async def positions(self, stream_ids: Sequence[str]) -> list[int | None]:
        """The places in the line of many."""
        return list(await self._positions(keys=keys.LINE, args=stream_ids)) if stream_ids else []

    async def waiting(self) -> int:
        """How many streams wait."""
        return int(await self._redis.zcard(keys.JOBS))

    async def longest_wait(self) -> float:
        """For how many seconds the one has waited who has waited longest; 0 where nobody waits."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zrange(keys.SINCE, 0, 0, withscores=True)
            pipe.time()
            first, (seconds, micros) = await pipe.execute()
        return max(0.0, seconds + micros / 1e6 - first[0][1] / 1000) if first else 0.0

    async def forget_worker(self, worker: str) -> None:
        """Takes a worker that ends off the list of the living."""
        await self._redis.zrem(keys.WORKERS, worker)


def _flat(claims: Iterable[Claim]) -> list[Any]:
    return [part for claim in claims for part in (claim.stream_id, claim.fence, claim.holder)]
