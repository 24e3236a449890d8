"""What processes leave of themselves in Redis, and how all of it is read at one moment.

The rule: what is shown of a process is what it said last, how long ago that was by Redis' clock, and whether anybody is
still heard under its name; what it holds is what the leases say. Whoever leaves counts twice under one number counts
once. Judges nothing: what follows from a silence is for who shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.scripts import source, source_on_full

STEP_SECONDS = 10
# A quarter of an hour, as it is shown.
STEPS_KEPT = 90
# Who has said nothing for so long is not known any more: as long as what it counted.
FORGET_MS = 960_000

_KEYS = [keys.PROCESSES, keys.SEEN, keys.JOBS, keys.LEASES, keys.CLAIMS, keys.CLOCK]


@dataclass(frozen=True, slots=True)
class Left:
    """What a process left: `age` in seconds; `heard`: it still listens; `held`: so many leases in force are its.

    `numbers` as the process gave them.
    """

    name: str
    age: float
    heard: bool
    held: int
    numbers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """How things stand at `now`, in seconds since 1970.

    `held`: streams that a worker holds under a lease in force; `unrenewed`: those whose lease has ended. `steps` by
    their number, from the one on that was asked for. `nano` and `saved_nano` are of the day of UTC; `seen` is the
    newest first. `gates`: models at whose gates somebody may wait.
    """

    now: float
    waiting: int
    oldest_seconds: float
    held: int
    unrenewed: int
    processes: Sequence[Left]
    steps: Mapping[int, Mapping[str, int]]
    nano: int
    saved_nano: int
    seen: Sequence[Mapping[str, Any]]
    gates: Sequence[str]

    @property
    def step(self) -> int:
        """The number of the step that is under way."""
        return int(self.now // STEP_SECONDS)


class Board:
    """The board of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._leave = redis.register_script(source_on_full("board/step", "board/held", "board/leave"))
        self._look = redis.register_script(source("board/held", "board/look"))

    async def leave(
        self,
        name: str,
        numbers: Mapping[str, Any],
        batch: int,
        counts: Mapping[str, int],
        seen: Iterable[Mapping[str, Any]] = (),
    ) -> float:
        """The numbers of a process, and what it has counted and seen, which has the number `batch`, 1 for the first.

        Returns the time by Redis' clock, in seconds.
        """
        now: int = await self._leave(
            keys=_KEYS,
            args=[
                *(name, batch, orjson.dumps(numbers), keys.STEPS, FORGET_MS, keys.accord(""), keys.SEEN_LENGTH),
                len(counts),
                *(part for pair in counts.items() for part in pair),
                *(orjson.dumps(one) for one in seen),
            ],
        )
        return now / 1000

    async def look(self, first_step: int | None = None) -> Look:
        """How things stand. Of the steps those from `first_step` on, or all that are kept."""
        reply = await self._look(
            keys=[*_KEYS, keys.SINCE, keys.HELD, keys.LINES, keys.WORKERS],
            args=[
                *(keys.STEPS, "" if first_step is None else first_step, keys.DAYS, keys.accord("")),
                *(STEP_SECONDS, STEPS_KEPT),
            ],
        )
        at, waiting, oldest, held, unrenewed, processes, steps, (nano, saved), seen, gates = reply
        now = int(at)
        return Look(
            now=now / 1000,
            waiting=waiting,
            oldest_seconds=max(now - float(oldest), 0.0) / 1000 if oldest else 0.0,
            held=held,
            unrenewed=unrenewed,
            processes=[_left(now, *four) for four in _in_groups(processes, 4)],
            steps={number: _counts(counts) for number, counts in _in_groups(steps, 2)},
            nano=int(nano),
            saved_nano=int(saved),
            seen=[_seen(one) for one in reversed(seen)],
            gates=[model.decode(errors="replace") for model in gates],
        )

    async def held(self, models: Sequence[str]) -> list[str]:
        """Those of these models at whose gate somebody does wait."""
        if not models:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for model in models:
                pipe.zcard(keys.gate_line(model))
            return [model for model, waiting in zip(models, await pipe.execute(), strict=True) if waiting]


def _left(now: int, name: bytes, record: bytes, listeners: int, held: int) -> Left:
    at, _, numbers = record.split(b" ", 2)
    # What comes later than now was said before the clock was set back: nobody knows when.
    return Left(name.decode(), abs(now - int(at)) / 1000, listeners > 0, held, orjson.loads(numbers))


def _counts(flat: Sequence[bytes]) -> dict[str, int]:
    return {field.decode(): int(count) for field, count in _in_groups(flat, 2)}


def _seen(one: bytes) -> dict[str, Any]:
    at, what = one.split(b" ", 1)
    return {"at": int(at) / 1000, **orjson.loads(what)}


def _in_groups(flat: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (flat[n : n + size] for n in range(0, len(flat), size))
