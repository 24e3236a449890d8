"""The gate before each model's calls, shared by all workers: what they report of the upstream, what turns it gives.

The rule: what is known of a model's limits stands here alone, and only Redis' clock counts. A stream that waits for its
turn stands in the model's line. Knows nothing of logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.scripts import source_on_full


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
class Report:
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


class Gates:
    """The gates of one Redis, by their models."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        line = ("queue/turns", "queue/places", "queue/line")
        self._ask = redis.register_script(source_on_full(*line, "gate/rate", "gate/law", "gate/gate"))
        self._leave = redis.register_script(source_on_full("gate/leave"))

    async def ask(self, model: str, report: Report, *, worker: str, unanswered: int, waiting: int, room: int) -> Turns:
        """Reports to the gate of `model` what came of calls, and asks it for turns: for `waiting` calls, and for up to
        `room` streams that wait in the line because of it. `unanswered` calls of `worker` are under way.
        """
        limits = orjson.dumps([[limit.name, limit.most, limit.left, limit.reset_ms] for limit in report.limits])
        reply = await self._ask(
            keys=[
                *keys.LINE,
                keys.gate(model),
                keys.gate_line(model),
                keys.gate_turns(model),
                keys.CLAIMS,
                keys.HELD,
                keys.LINES,
            ],
            args=[
                report.taken,
                -1 if report.refused_ms is None else report.refused_ms,
                report.era,
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
        """A stream that was claimed again takes its turn, if it has come; whether it had."""
        return bool(await self._leave(keys=[keys.gate_line(model)], args=[stream_id]))
