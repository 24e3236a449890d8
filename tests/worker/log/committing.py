"""A committer before a real server, and the hand of one stream that writes through it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from app.stream import frames, keys
from app.stream.log import Log, Status
from app.stream.queue import Queue
from app.stream.redis.connect import connect
from worker.log.commit import Committer
from worker.log.writer import Writer

LIFE_MS = 600_000


class Watcher:
    def __init__(self) -> None:
        self.refusals: list[Status] = []
        self.errors: list[str] = []
        self.cancels = 0

    def refused(self, status: Status, error: str = "") -> None:
        self.refusals.append(status)
        self.errors.append(error)

    def cancel_seen(self) -> None:
        self.cancels += 1


class Hand:
    """A stream under claim, with a writer of its own."""

    def __init__(self, redis: Redis, committer: Committer) -> None:
        self._log, self._queue, self._redis = Log(redis), Queue(redis), redis
        self._committer = committer
        self.watcher = Watcher()
        self.written: list[bytes] = []

    async def take(self, stream_id: str) -> Hand:
        self.stream_id = stream_id
        await self._log.open(stream_id, {"owner": "me"})
        await self._queue.submit(stream_id, limit=1000, life_ms=LIFE_MS)
        await self._log.keep(stream_id, LIFE_MS)
        (self.claim,) = await self._queue.claim(f"w-{stream_id}", 1, slots=1, lease_ms=LIFE_MS, stream_id=stream_id)
        begun = await self._log.begin(self.claim)
        assert begun.position is not None
        self.writer = Writer(self.claim, begun.position, 10**8, self._committer, self.watcher)
        return self

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.written.append(b"%d" % len(self.written))
            self.writer.frame(b"n", self.written[-1])

    async def stands(self) -> None:
        """All of it is in the log, and nothing else."""
        await self.writer.flush()
        raw = await self._redis.get(keys.log(self.stream_id)) or b""
        assert frames.follow(raw, *frames.origin(self.stream_id)) is not None
        assert [frame.data for frame in frames.split(raw)] == self.written
        assert self.watcher.refusals == []


@asynccontextmanager
async def committing(url: str) -> AsyncIterator[Committer]:
    redis = connect(url, "worker")
    try:
        async with Committer(redis) as committer:
            yield committer
    finally:
        await redis.aclose()
