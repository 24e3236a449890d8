"""Sees to it that a process's channel and its commands meet the same server.

The rule: behind an address that stays, a failover can leave the subscriptions at the old primary, where what is
published may still arrive while nobody counts their listeners any more: a stream that is read would look abandoned, and
a worker that lives, dead. So each process says something where its commands go, on a channel of its own: Redis tells
whether anybody heard it, and if not, the process subscribes anew. What it says is when it said it: so it knows how late
the channel is.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from redis.asyncio import Redis

from app.stream.channel import Listening
from app.stream.counts.distribution import Distribution
from app.stream.observing import ChannelAstray, tell
from app.stream.redis.refusals import NO_ANSWER

LOOK_SECONDS = 2.0
# One look may fall into the moment in which the channel comes back by itself: the next follows soon.
MISSES_MAX = 2
AGAIN_SECONDS = 1.0


class Accord:
    """`name` is a channel that this process alone listens to. `lag`: from sending to hearing, in seconds."""

    def __init__(self, redis: Redis, channel: Listening, name: str) -> None:
        self._redis = redis
        self._channel = channel
        self._name = name
        self._misses = 0
        self.lag = Distribution()
        self._late: float | None = None
        self._unheard_since: float | None = None

    @property
    def late_seconds(self) -> float | None:
        """How late the channel is: as it was last, or for as long as what was said is not heard. None: not known."""
        if self._unheard_since is None:
            return self._late
        return max(time.perf_counter() - self._unheard_since, self._late or 0.0)

    async def watch(self) -> None:
        """Looks for as long as the process lives."""
        await self._channel.subscribe(self._name, self)
        while True:
            await asyncio.sleep(AGAIN_SECONDS if self._misses else LOOK_SECONDS)
            with contextlib.suppress(*NO_ANSWER):  # which the connection has told, and the next look asks again
                await self.look()

    async def look(self) -> None:
        """Asks once."""
        if not self._channel.connected:
            self._misses = 0
            return
        said_at = time.perf_counter()
        if self._unheard_since is None:
            self._unheard_since = said_at
        heard = await self._redis.publish(self._name, repr(said_at))
        self._misses = 0 if heard else self._misses + 1
        if self._misses >= MISSES_MAX:
            self._misses = 0
            tell(ChannelAstray())
            self._channel.reconnect()

    # A `channel.Receiver`, of a channel on which nobody else says anything.

    def message(self, payload: bytes) -> None:
        with contextlib.suppress(ValueError):
            seconds = time.perf_counter() - float(payload)
            if seconds >= 0:  # nothing else is ours
                self.lag.add(seconds)
                self._late, self._unheard_since = seconds, None

    def settle(self) -> None:
        """Nothing is left to do."""

    def gap(self) -> None:
        """The next look says it again."""
