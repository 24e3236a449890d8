"""Sees to it that a process's channel and its commands meet the same server.

The rule: behind an address that stays, a failover can leave the subscriptions at the old primary, where what is
published may still arrive while nobody counts their listeners any more: a stream that is read would look abandoned, and
a worker that lives, dead. So each process asks where its commands go whether its own channel is heard there; if not, it
subscribes anew.
"""

from __future__ import annotations

import asyncio
import contextlib

from redis.asyncio import Redis

from app.stream.channel import Channel
from app.stream.observing import ChannelAstray, tell
from app.stream.redis.refusals import NO_ANSWER

LOOK_SECONDS = 5.0
# One look may fall into the moment in which the channel comes back by itself: the next follows soon.
MISSES_MAX = 2
AGAIN_SECONDS = 1.0


class Accord:
    """`name` is a channel that this process alone listens to."""

    def __init__(self, redis: Redis, channel: Channel, name: str) -> None:
        self._redis = redis
        self._channel = channel
        self._name = name
        self._misses = 0

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
        [(_, heard)] = await self._redis.pubsub_numsub(self._name)
        self._misses = 0 if heard else self._misses + 1
        if self._misses >= MISSES_MAX:
            self._misses = 0
            tell(ChannelAstray())
            self._channel.reconnect()

    # A `channel.Receiver`, of a channel on which nothing is said.

    def message(self, payload: bytes) -> None:
        """That it can be heard is all."""

    def settle(self) -> None:
        """As above."""

    def gap(self) -> None:
        """As above."""
