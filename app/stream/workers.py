"""The workers among themselves: who is alive, and how long all of them wait.

The rule: an absence is a hint. Whoever acts on it lets leases expire early and nothing more, so that a wrong guess
costs a second call of the upstream and never a byte. Knows nothing of logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.scripts import source, source_on_full


@dataclass(frozen=True, slots=True)
class Limit:
    """What an answer says of one of the upstream's limits: how much there is in all, how much is left, and in how many
    milliseconds all of it will be back.
    """

    name: str
    most: int
    left: int
    reset_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """What came of calls: how many the upstream took, and how long one that it refused is to wait (0: it did not say;
    None: none was). `era` is the one in which the refused call's turn was given.
    """

    taken: int = 0
    refused_ms: int | None = None
    era: int = 0
    limits: Sequence[Limit] = ()


@dataclass(frozen=True, slots=True)
class Turns:
    """`given` calls may be made now, another one in `wait` seconds or later. `line` streams wait in the line; `rate`
    calls a second are let through, 0 where that is not known.
    """

    given: int
    wait: float
    line: int
    rate: float
    era: int


class Workers:
    """The workers of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._absent = redis.register_script(source("queue/lease_clock", "queue/absent"))
        self._expire = redis.register_script(source_on_full("queue/lease_clock", "queue/expire"))
        self._gate = redis.register_script(source_on_full("gate/rate", "gate/law", "gate/gate"))

    async def absent(self, worker: str) -> tuple[int, set[str]]:
        """How many leases there are, and the listed workers, other than `worker`, whose own channel nobody hears."""
        leases, *names = await self._absent(
            keys=[keys.WORKERS, keys.LEASES, keys.CLOCK], args=[keys.alive(""), worker, keys.QUEUE_SECONDS]
        )
        return leases, {name.decode() for name in names}

    async def connected(self, client_name: str) -> bool:
        """Whether Redis has any connection under that name. Raises where the server does not tell."""
        return any(client.get("name") == client_name for client in await self._redis.client_list())

    async def expire(self, worker: str) -> int:
        """Lets the leases of a worker that is gone expire now; returns how many."""
        return int(
            await self._expire(
                keys=[keys.LEASES, keys.CLAIMS, keys.WORKERS, keys.CLOCK],
                args=[worker, keys.WAKE, keys.QUEUE_SECONDS],
            )
        )

    async def gate(self, model: str, told: Told, *, worker: str, unanswered: int, waiting: int, room: int) -> Turns:
        """Tells the gate of `model` what came of calls, and asks it for turns: for `waiting` calls, and for up to
        `room` streams that wait in the line because of it. `unanswered` calls of `worker` are under way.
        """
        limits = orjson.dumps([[limit.name, limit.most, limit.left, limit.reset_ms] for limit in told.limits])
        reply = await self._gate(
            keys=[keys.gate(model), keys.gate_line(model), keys.JOBS, keys.HELD, keys.LINES],
            args=[
                told.taken,
                -1 if told.refused_ms is None else told.refused_ms,
                told.era,
                waiting,
                room,
                limits,
                keys.GATE_SECONDS,
                keys.WAKE,
                keys.QUEUE_SECONDS,
                worker,
                unanswered,
                model,
            ],
        )
        given, wait_ms, line, rate, era = map(int, reply)
        return Turns(given, wait_ms / 1000, line, rate / 1000, era)

    async def lines(self) -> set[str]:
        """The models in whose lines somebody may wait."""
        models: set[bytes] = await self._redis.smembers(keys.LINES)  # type: ignore[misc]  # redis-py's types mix both clients
        return {model.decode() for model in models}

    async def leave_line(self, model: str, stream_id: str) -> bool:
        """Takes a stream that was claimed again out of its gate's line; whether its turn had come."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zscore(keys.gate_line(model), stream_id)
            pipe.zrem(keys.gate_line(model), stream_id)
            place, _ = await pipe.execute()
        return place is not None and place < 0
