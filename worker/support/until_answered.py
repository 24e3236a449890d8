"""Asking Redis until it answers, however long it is away.

The rule: an outage is waited out, and so is whatever Redis refuses until somebody makes room, a primary, or a
permission; what it will never answer is raised. Safe because everything that is asked here recognises its own
repetition.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.stream.redis.refusals import NO_ANSWER, Teller, refusal_of
from worker.support.interrupt import Interrupt, Why

T = TypeVar("T")

logger = logging.getLogger(__name__)

AWAY_SECONDS = 0.1
AWAY_SECONDS_MAX = 1.0

_teller = Teller(logger)


def is_passing(error: Exception) -> bool:
    """Whether Redis may answer the same question in a while."""
    return isinstance(error, NO_ANSWER) and refusal_of(error).passes


async def for_ever(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Does `work` until it returns; what it raises is said and it begins again."""
    pause = AWAY_SECONDS
    while True:
        began = asyncio.get_running_loop().time()
        try:
            return await work()
        except Exception as error:  # noqa: BLE001  # nothing may end the worker but a signal
            if asyncio.get_running_loop().time() - began > AWAY_SECONDS_MAX:
                pause = AWAY_SECONDS
            if not is_passing(error):
                logger.error("%s: %s in %s", what, type(error).__name__, where(error))  # noqa: TRY400  # see `where`
            else:
                _teller.tell(what, error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, AWAY_SECONDS_MAX)


def where(error: Exception) -> str:
    """The place of an error, without its text, which may quote a prompt."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.name} ({last.filename}:{last.lineno})"


async def patiently(interrupt: Interrupt, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of `ask`. Raises `Interruption` when the stream is to be left, or what Redis refuses for good."""
    pause = AWAY_SECONDS
    while True:
        with interrupt.armed(Why.LEFT):
            try:
                return await ask()
            except NO_ANSWER as error:
                if not _teller.tell("streams", error).passes:
                    raise
        with interrupt.armed(Why.LEFT):
            await asyncio.sleep(pause)
        pause = min(pause * 2, AWAY_SECONDS_MAX)
