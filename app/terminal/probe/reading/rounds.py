"""Reads a stream whose events have ids: once uncut, and beside it again and again to a cut at a random byte, and on.

The rule: while it runs, cuts are of any length, for what is spliced wrongly lies between what was and what comes; when
it has ended, they are spread over all of it. The same seed cuts the same stream at the same bytes.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx

from app.terminal.probe.judging import Found, judged
from app.terminal.probe.reading.busy import watched
from app.terminal.probe.reading.connecting import How, Reading
from app.terminal.probe.reading.cursor import Cursor, Tally
from app.terminal.probe.reading.manners import ask_oddly
from app.terminal.probe.seen.compared import Reference
from app.terminal.probe.targets import KEEPSTREAM, Target

LIVE_CUT_BYTES = (16, 16_384)
# Connections beyond those that we cut, until a reader is given up, and the time between them. A Keepstream may send its
# readers away for a while.
SPARE = 40
SPARE_OF_OTHERS = 3
AGAIN_SECONDS = 0.5
# For what is read when the stream has ended.
AFTERWARDS_SECONDS = 60.0
_FINAL = (How.REFUSED, How.NOTHING, How.LATE, How.ENOUGH, How.TOO_LARGE, How.OPEN)


class NothingToReadError(Exception):
    """The very first answer was none; `reading` says how."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading.how)
        self.reading = reading


@dataclass(frozen=True, slots=True)
class Plan:
    """`cuts`: so many while it runs, and so many when it has ended; `seconds`: how long one is read that has no end."""

    cuts: int
    seed: int
    seconds: float

    def live(self) -> Iterator[int]:
        """After how many bytes each connection is cut, while nobody knows how many there will be."""
        rng = random.Random(f"{self.seed} live")  # noqa: S311  # cuts, not secrets
        low, high = map(math.log, LIVE_CUT_BYTES)
        return iter([round(math.exp(rng.uniform(low, high))) for _ in range(self.cuts)])

    def again(self, size: int) -> Iterator[int]:
        """The same for a body of this size."""
        rng = random.Random(f"{self.seed} again")  # noqa: S311  # as above
        places = [0, *sorted(rng.randrange(1, max(size, 2)) for _ in range(self.cuts))]
        return iter([max(end - start, 1) for start, end in pairwise(places)])


async def begins(reading: asyncio.Task[Any], begun: asyncio.Event, tasks: asyncio.TaskGroup) -> bool:
    """Returns when it has begun, or has ended without: whether it has begun."""
    waiting = tasks.create_task(begun.wait())
    await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return begun.is_set()


@dataclass(slots=True)
class Rounds:
    """One probe of one stream."""

    http: httpx.AsyncClient
    target: Target
    plan: Plan
    tally: Tally = field(default_factory=Tally)
    _begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> Found:
        """Raises `NothingToReadError`."""
        now = asyncio.get_running_loop().time
        until = now() + self.plan.seconds
        uncut, live, again = self._cursor(), self._cursor(), self._cursor()
        async with watched() as busy, asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read_uncut(uncut, until))
            if await begins(reading, self._begun, tasks):
                await self._on(live, self.plan.live(), until)
            whole = await reading
            if whole and self._begun.is_set():
                until = now() + AFTERWARDS_SECONDS
                await self._on(again, self.plan.again(uncut.bytes), until)
                if self.target.dialect == KEEPSTREAM:
                    await ask_oddly(self.http, self.target, self.tally, uncut.last_id, until)
        if not self._begun.is_set():
            raise NothingToReadError(self.tally.readings[0])
        reference = Reference(uncut.seen, whole=whole, log=self.target.dialect == KEEPSTREAM)
        stretches = [stretch for cursor in (uncut, live, again) for stretch in cursor.stretches]
        return judged(self.target, self.tally, reference, stretches, busy)

    def _cursor(self) -> Cursor:
        return Cursor(self.http, self.target, self.tally)

    async def _read_uncut(self, cursor: Cursor, until: float) -> bool:
        """Whether it saw the end. A Keepstream may send this reader away too: its ids prove what they join."""
        for _ in range(SPARE):
            reading = await cursor.go(until=until, on_head=self._begun.set)
            if cursor.over:
                return True
            if reading.how in _FINAL:
                return False
            if self.target.dialect != KEEPSTREAM:
                return reading.how is How.CLEAN and not reading.amid and await self._nothing_follows(cursor, until)
            await asyncio.sleep(AGAIN_SECONDS)
        return False

    async def _nothing_follows(self, cursor: Cursor, until: float) -> bool:
        """Whether a clean end was the end of all: who comes back is told so, or is told nothing."""
        if self.target.end or cursor.last_id is None:
            return False
        again = self._cursor()
        again.last_id = cursor.last_id
        reading = await again.go(until=min(until, asyncio.get_running_loop().time() + AGAIN_SECONDS))
        return reading.how is How.NOTHING or (reading.how is How.CLEAN and not again.stretches[-1].seen)

    async def _on(self, cursor: Cursor, cuts: Iterator[int], until: float) -> None:
        """Reads to the end, over all these cuts and as many connections more as it has to."""
        spare = SPARE if self.target.dialect == KEEPSTREAM else SPARE_OF_OTHERS
        while spare:
            reading = await cursor.go(until=until, cut=next(cuts, None))
            if reading.how is How.CUT and not cursor.over:
                continue
            if cursor.over or reading.how in _FINAL:
                return
            spare -= 1
            await asyncio.sleep(AGAIN_SECONDS)
