"""The slow beat of a front: what no message told is asked of Redis, and whoever hears nothing is pinged.

The rule: every `BEAT_SECONDS` one pipeline asks the last id of every live log, and one script the places of those that
wait, so that a channel that lies or sleeps can delay and never lose; and what one stream's key answers keeps no other
stream from being looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.fanout.audience import PING
from app.fanout.hub import Hub
from app.fanout.tail import Tail
from app.stream import keys
from app.stream.concurrency.tasks import Rounds
from app.stream.frames import PROOF_LENGTH
from app.stream.log import State
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal
from app.stream.timeline.kept import add_crowd
from app.stream.timeline.noting import Crowd, crowds

BEAT_SECONDS = 2.0
# Proxies commonly close what is silent for a minute; half of that leaves room for one lost ping.
PING_SECONDS = 15.0
# How often it is looked who is silent.
TICK_SECONDS = 1.0
# Logs asked for in one pipeline.
BEAT_BATCH = 1000
# Streams of which it is said in one look how many readers came and went.
CROWDS = 200


class Beat:
    """The two tasks that look after all tails of `hub`. `async with`."""

    def __init__(self, redis: Redis, hub: Hub) -> None:
        self._redis = redis
        self._hub = hub
        self.tasks = (
            Rounds("hub-beat", BEAT_SECONDS, self.look),
            Rounds("hub-ping", TICK_SECONDS, self._ping),
        )

    async def __aenter__(self) -> Self:
        for task in self.tasks:
            task.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            await task.stop()

    async def look(self) -> None:
        """Asks for every log whose tail is up to date, as far as its channel tells."""
        tails = [tail for tail in self._hub.tails if self._hub.is_open(tail.stream_id)]
        along = crowds(CROWDS)
        try:
            for start in range(0, len(tails) or bool(along), BEAT_BATCH):
                await self._check(tails[start : start + BEAT_BATCH], along)
                along = ()
        except (RedisError, *AWAY) as error:
            tell_refusal("beat", error)
        await self._tell_places([tail for tail in tails if tail.state is State.QUEUED])

    async def _tell_places(self, waiting: Sequence[Tail]) -> None:
        """Behind all logs: the queue's server may be away, and theirs not."""
        try:
            for start in range(0, len(waiting), BEAT_BATCH):
                await self._hub.tell_places(waiting[start : start + BEAT_BATCH])
        except (RedisError, *AWAY) as error:
            tell_refusal("beat", error)

    async def _check(self, tails: Sequence[Tail], along: Sequence[Crowd]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for tail in tails:
                pipe.getrange(keys.log(tail.stream_id), -PROOF_LENGTH, -1)
                pipe.exists(keys.meta(tail.stream_id))
            for crowd in along:
                add_crowd(pipe, crowd, time.monotonic())
            answers = iter(await pipe.execute(raise_on_error=False))
        for tail in tails:
            last, there = next(answers), next(answers)
            refused = next((answer for answer in (last, there) if isinstance(answer, Exception)), None)
            if refused is not None:  # one stream's key may be whatever it is: the others' are looked at
                tell_refusal("beat", refused)
            elif not there:
                tail.repair("beat")
            else:
                tail.check(last)

    async def _ping(self) -> None:
        now = asyncio.get_running_loop().time()
        for tail in self._hub.tails:
            tail.tell_on()
            if now - tail.quiet_since >= PING_SECONDS:
                tail.quiet_since = now
                tail.audience.aside(PING)
