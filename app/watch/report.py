"""A process leaves its numbers in Redis, every second, for as long as it lives: what the board shows of it.

The rule: one command a second, whatever happens in the process; while Redis does not answer nothing is lost and nobody
is told (the connection has told it already).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from app.stream.board.board import Board
from app.stream.concurrency.tasks import Supervised
from app.stream.redis import known
from app.stream.redis.refusals import NO_ANSWER, refusal_of, tell_refusal
from app.stream.upgrades.language import VERSION
from app.version import our_version
from app.watch.tallies import Tallies
from app.watch.wiring import Watch

BEAT_SECONDS = 1.0
# A beat that is later than this was kept from Redis, by what may have kept all others.
LATE_SECONDS = 1.5
# So far Redis' clock and ours may go apart from one beat to the next; what is more is a step of one of them.
STEP_SECONDS = 0.5
# Who leaves does not wait for long.
LEAVE_SECONDS = 0.3

Numbers = Callable[[], Mapping[str, Any]]


class Report:
    """`name` is the process's; `numbers` says how it stands now."""

    def __init__(self, name: str, kind: str, tallies: Tallies, board: Board, numbers: Numbers) -> None:
        self.name = name
        self._kind = kind
        self._tallies = tallies
        self._board = board
        self._numbers = numbers
        self._began = asyncio.get_running_loop().time()
        self._last: float | None = None
        self._steady_since: float | None = None
        self._losses = known.server().losses
        self._ahead = (-math.inf, math.inf)  # between these Redis' clock is ahead of the loop's
        self.version = our_version()
        tallies.see("joined")

    @property
    def steady_seconds(self) -> float:
        """For how long Redis has been there without a gap and without a step of its clock, as this process knows."""
        now = asyncio.get_running_loop().time()
        if self._last is None or self._steady_since is None or now - self._last > LATE_SECONDS:
            return 0.0
        return now - self._steady_since if known.server().losses == self._losses else 0.0

    def goes_on(self, clock: float, asked_at: float) -> bool:
        """Whether Redis' clock, asked for at that time of the loop's, goes on from where it was at the last beat."""
        low, high = clock - asyncio.get_running_loop().time(), clock - asked_at
        return low <= self._ahead[1] + STEP_SECONDS and high >= self._ahead[0] - STEP_SECONDS

    async def keep(self) -> None:
        """For as long as the process lives."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self.leave()
            except NO_ANSWER as error:
                if not refusal_of(error).passes:
                    tell_refusal("report", error)
            await asyncio.sleep(max(BEAT_SECONDS - (loop.time() - began), 0.0))

    async def leave(self, **more: Any) -> None:
        """Once. Raises Redis' errors."""
        loop, numbers = asyncio.get_running_loop(), self._numbers()
        began = loop.time()
        batch = self._tallies.batch()
        own = {"kind": self._kind, "version": self.version, "language": VERSION, "up": round(began - self._began, 1)}
        clock = await self._board.leave(self.name, {**own, **numbers, **more}, batch.number, batch.counts, batch.seen)
        self._tallies.is_left(batch)
        now = loop.time()
        if self._last is None or now - self._last > LATE_SECONDS or not self.goes_on(clock, began):
            self._steady_since = now
        if known.server().losses != self._losses:  # away for less than a beat, but everybody's subscriptions are gone
            self._steady_since, self._losses = now, known.server().losses
        self._last, self._ahead = now, (clock - now, clock - began)

    async def end(self) -> None:
        """The process ends as it should: it is not to be missed."""
        self._tallies.see("left")
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.leave()
                await self.leave(left=True)


@asynccontextmanager
async def reporting(watch: Watch, redis: Redis, numbers: Numbers) -> AsyncIterator[Report]:
    """A process that leaves its numbers, while inside."""
    report = Report(watch.name, watch.kind, watch.tallies, Board(redis), numbers)
    async with Supervised("report", report.keep):
        yield report
    await report.end()
