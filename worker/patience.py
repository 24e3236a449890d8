"""Asking Redis until it answers, however long it is away.

The rule: an outage is waited out, a full server too; what Redis refuses for good is raised. Safe because everything
that is asked here recognises its own repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.exceptions import RedisError

from app.stream.connect import AWAY, is_out_of_memory
from worker.interrupt import Interrupt, Why

T = TypeVar("T")

AWAY_SECONDS = 0.1
AWAY_SECONDS_MAX = 1.0


def is_passing(error: Exception) -> bool:
    """Whether Redis may answer the same question in a while."""
    return isinstance(error, AWAY) or (isinstance(error, RedisError) and is_out_of_memory(error))


async def patiently(interrupt: Interrupt, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of `ask`. Raises `Interruption` when the stream is to be left, or what Redis refuses for good."""
    pause = AWAY_SECONDS
    while True:
        with interrupt.armed(Why.LEFT):
            try:
                return await ask()
            except (RedisError, *AWAY) as error:
                if not is_passing(error):
                    raise
            await asyncio.sleep(pause)
        pause = min(pause * 2, AWAY_SECONDS_MAX)
