"""What a stream's task asks of Redis, until it is answered.

The rule: an outage is waited out, and so is whatever Redis refuses until somebody makes room, a primary, or a
permission; what it will never answer is raised. Safe because everything that is asked here recognises its own
repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.stream.redis.refusals import NO_ANSWER, tell_refusal
from worker.life.interrupt import Interrupt, Why

T = TypeVar("T")

AWAY_SECONDS = 0.1
AWAY_SECONDS_MAX = 1.0


async def until_answered(interrupt: Interrupt, ask: Callable[[], Awaitable[T]], waiting: Why = Why.LEFT) -> T:
    """The answer of `ask`. Raises `Interruption` when the stream is to be left, or what Redis refuses for good.

    `waiting`: what else ends it, but only while nobody is asked.
    """
    pause = AWAY_SECONDS
    while True:
        with interrupt.armed(Why.LEFT):
            try:
                return await ask()
            except NO_ANSWER as error:
                if not tell_refusal("streams", error).passes:
                    raise
        with interrupt.armed(waiting):
            await asyncio.sleep(pause)
        pause = min(pause * 2, AWAY_SECONDS_MAX)
