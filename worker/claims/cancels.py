"""Cancellations that were asked for while a stream is held here.

The rule: the message is for speed, the field in the meta for certainty; after every moment in which a message could
have been missed, and at every beat of the leases, the field is looked at. Who begins a stream, and who writes, is told
the field with Redis' answer. Looking never delays a stream; how one is stopped is its life's. What is cancelled because
nobody reads it is `abandoned`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.stream import keys
from app.stream.channel import Listening
from app.stream.redis.connect import AWAY
from app.stream.redis.each import of_each
from worker.claims.leases import RENEWALS_PER_LEASE, Lease
from worker.life.life import Life


class Cancels:
    """Hears of the cancellations of the streams under `leases`."""

    def __init__(self, leases: Mapping[str, Lease], redis: Redis, channel: Listening, lease_seconds: float) -> None:
        self._leases = leases
        self._redis = redis
        self._channel = channel
        self._beat_seconds = lease_seconds / RENEWALS_PER_LEASE

    async def watch(self) -> None:
        """Looks for as long as the process lives; raises when Redis does not answer."""
        while True:
            await self.look()  # first: who begins again was raised out of here by an outage
            await asyncio.sleep(self._beat_seconds)

    async def look(self) -> None:
        """Finds what was cancelled by a message that nobody heard."""
        lives = [lease.life for lease in self._leases.values()]
        if lives:
            await _look(self._redis, lives)

    @contextmanager
    def heard(self, life: Life) -> Iterator[None]:
        """Within, a message cancels the stream at once."""
        receiver = _Receiver(life, self._redis, self._channel)
        receiver.start()
        try:
            yield
        finally:
            receiver.stop()


class _Receiver:
    """The control channel of one stream."""

    def __init__(self, life: Life, redis: Redis, channel: Listening) -> None:
        self._life = life
        self._redis = redis
        self._channel = channel
        self._name = keys.control(life.claim.stream_id)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._channel.unsubscribe(self._name)

    def message(self, payload: bytes) -> None:
        if payload == b"cancel":
            self._life.cancel()
        else:  # of another version: what is so stands in the meta
            self.gap()

    def settle(self) -> None:
        """Nothing to do: one message says it all."""

    def gap(self) -> None:
        self._task = asyncio.create_task(self._look())

    async def _listen(self) -> None:
        await self._channel.subscribe(self._name, self)
        await self._look()

    async def _look(self) -> None:
        try:
            await _look(self._redis, [self._life])
        except (RedisError, *AWAY):
            return  # the next beat looks again


async def _look(redis: Redis, lives: Sequence[Life]) -> None:
    ids = (life.claim.stream_id for life in lives)
    flags = await of_each(redis, ids, lambda pipe, stream_id: pipe.hget(keys.meta(stream_id), "cancel"))
    for life in lives:
        if flags.get(life.claim.stream_id) == b"1":
            life.cancel()
