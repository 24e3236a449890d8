"""Listening for a stream's cancellation while it runs.

The rule: the message is for speed, the field in the meta for certainty; after every moment in which a message could
have been missed, the field is looked at. It never delays the stream.
"""

from __future__ import annotations

import asyncio

from redis.exceptions import RedisError

from app.stream import keys
from app.stream.channel import Channel
from app.stream.log import Log
from app.stream.redis.connect import AWAY
from worker.life.interrupt import Interrupt, Why


class Control:
    """The control channel of one stream: a receiver of its messages."""

    def __init__(self, stream_id: str, channel: Channel, log: Log, interrupt: Interrupt) -> None:
        self._stream_id = stream_id
        self._name = keys.control(stream_id)
        self._channel = channel
        self._log = log
        self._interrupt = interrupt
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._channel.unsubscribe(self._name)

    def message(self, payload: bytes) -> None:
        if payload == b"cancel":
            self._interrupt.stop(Why.CANCELLED)

    def settle(self) -> None:
        """Nothing to do: one message says it all."""

    def gap(self) -> None:
        self._task = asyncio.create_task(self._look())

    async def _listen(self) -> None:
        await self._channel.subscribe(self._name, self)
        await self._look()

    async def _look(self) -> None:
        try:
            meta = await self._log.meta(self._stream_id, "cancel")
        except (RedisError, *AWAY):
            return  # the next renewal looks again
        if meta is not None and meta.get("cancel") == b"1":
            self._interrupt.stop(Why.CANCELLED)
