"""The board as it is gathered: once a second for all who watch, and never while nobody does.

The rule: what a watcher gets is the newest there is, however slowly it reads; a Redis that does not answer within a
second is said to be away, one that refuses to say it is not; either way what was known before is shown, with how old it
is, counted from when it was asked for. Closed steps are read once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Self

from redis.asyncio import Redis

from app.faces.board.attention import attention
from app.faces.board.view import STEADY_SECONDS, Memory, Shown, judged, row, snapshot, stale, standing, unknown
from app.stream.board.board import STEPS_KEPT, Board, Look
from app.stream.board.listing import listed, stream_bytes
from app.stream.concurrency.tasks import Supervised, end
from app.stream.concurrency.versioned import Versioned
from app.stream.redis.memory import fullest_of, room_of
from app.stream.redis.refusals import NO_ANSWER, Kind, refusal_of, tell_refusal
from app.watch.report import Report

BEAT_SECONDS = 1.0
# How long Redis may take for an answer, until it is said that there is none.
PATIENCE_SECONDS = 1.0
# The number of a step that nobody lives to see.
NO_STEPS = 2**40
# It is there, and will not say how things stand before somebody has changed something.
_REFUSES = (Kind.UNFIT, Kind.BUG)


class Gathering:
    """What a front knows of the whole; its own `report` says for how long Redis has been there without a gap. `logs`:
    where the streams are, if not there.
    """

    def __init__(self, redis: Redis, report: Report, logs: Redis | None = None) -> None:
        self.board = Board(redis)
        self._redis = redis
        self._logs = redis if logs is None else logs
        self._report = report
        self._steps: dict[int, dict[str, int]] = {}
        self._stream_bytes: int | None = None
        self._measured: int | None = None
        self._shown = unknown()
        self._began_at = 0.0
        self._looked_at: float | None = None
        self._unanswered_since: float | None = None
        self._refused = False
        self._changed = Versioned()
        self.watchers = 0
        self._beating = Supervised("board", self._beat)
        self._looking: asyncio.Task[Shown] | None = None
        self._listing: asyncio.Task[list[Shown]] | None = None
        self._listed_at = 0.0

    async def standing(self) -> Shown:
        """The numbers of the line and of who works on it. Raises Redis' errors."""
        look, steady = await self._looked(NO_STEPS)
        return standing(look, judged(look, steady=steady))

    async def streams(self) -> list[Shown]:
        """Some of the streams there are, looked up once a second for all who ask. Raises Redis' errors."""
        now = self._now()
        if self._listing is None or (self._listing.done() and now - self._listed_at >= BEAT_SECONDS):
            self._listing, self._listed_at = asyncio.create_task(self._list(), name="streams"), now
        return await asyncio.shield(self._listing)

    async def snapshots(self) -> AsyncGenerator[Shown]:
        """The board, each time that it was gathered anew. Who takes long misses some."""
        self.watchers += 1
        if self.watchers == 1:
            self._beating.start()
        try:
            version = self._changed.version
            if self._is_new:
                yield self.newest()
            while True:
                await self._changed.changed(version)
                version = self._changed.version
                yield self.newest()
        finally:
            self.watchers -= 1
            if not self.watchers:
                await self._beating.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._beating.stop()
        await end(*(task for task in (self._looking, self._listing) if task is not None))

    def newest(self) -> Shown:
        """What is known now."""
        now = self._now()
        shown, since = self._shown, self._unanswered_since
        looked_at = self._looked_at if self._looked_at is not None else since
        seconds = 0.0 if looked_at is None else now - looked_at
        if since is not None:
            shown = stale(shown, seconds, None if self._refused else now - since)
        shown = {
            **shown,
            "stale_seconds": round(seconds, 1),
            "front": self._report.name,
            "version": self._report.version,
        }
        return {**shown, "attention": attention(shown)}

    @property
    def _is_new(self) -> bool:
        return self._looked_at is not None and self._now() - self._looked_at < BEAT_SECONDS

    async def _beat(self) -> None:
        while True:
            began = self._now()
            await self._gather()
            self._changed.wake()
            await asyncio.sleep(max(BEAT_SECONDS - (self._now() - began), 0.1))

    async def _gather(self) -> None:
        """Looks, for as long as anybody has the patience; what takes longer is waited for at the next beat."""
        if self._looking is None:
            self._began_at = self._now()
            self._looking = asyncio.create_task(self._look(), name="look")
        began = self._now()
        done, _ = await asyncio.wait({self._looking}, timeout=PATIENCE_SECONDS)
        if done:
            looking, self._looking = self._looking, None
            try:
                self._shown = looking.result()
            except NO_ANSWER as error:
                refusal = refusal_of(error)
                self._refused = refusal.kind in _REFUSES
                if not refusal.passes:
                    tell_refusal("board", error)
            else:
                # It may have been true then already, and have been long on its way.
                self._looked_at, self._unanswered_since = self._began_at, None
                return
        else:
            self._refused = False
        if self._unanswered_since is None:
            self._unanswered_since = began

    async def _look(self) -> Shown:
        # The step that is under way and the one before it may have grown since.
        look, steady = await self._looked(max(self._steps) - 1 if self._steps else None)
        held = await self.board.held(look.gates)
        if look.step != self._measured:
            self._stream_bytes, self._measured = await stream_bytes(self._redis, self._logs), look.step
        memory = await self._memory()
        self._keep(look)
        return snapshot(look, self._steps, memory, held, steady=steady)

    async def _looked(self, first_step: int | None) -> tuple[Look, bool]:
        """And whether everybody has had the time to say something, by the clock that it is told in."""
        asked_at = self._now()
        look = await self.board.look(first_step)
        steady = self._report.steady_seconds >= STEADY_SECONDS and self._report.goes_on(look.now, asked_at)
        return look, steady

    def _keep(self, look: Look) -> None:
        self._steps = {n: counts for n, counts in self._steps.items() if look.step - STEPS_KEPT <= n <= look.step}
        self._steps |= {number: dict(counts) for number, counts in look.steps.items()}

    async def _list(self) -> list[Shown]:
        return [row(one) for one in await listed(self._redis, self._logs)]

    async def _memory(self) -> Memory:
        info: dict[str, Any] = await self._redis.info("memory", "server")  # type: ignore[arg-type]  # redis-py's types know one section
        room = await fullest_of(room_of(info), None if self._logs is self._redis else self._logs)
        return Memory(
            used_bytes=room.used,
            max_bytes=room.most,
            bytes_per_stream=self._stream_bytes,
            version=str(info.get("valkey_version") or info.get("redis_version", "")),
        )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
