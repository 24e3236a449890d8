"""What a worker does over and over: nothing may end it but a signal.

The rule: what a loop raises is said and it begins again, after a pause that grows; a cancellation of something that it
waited for is such a thing, too. An outage of Redis is said as one, any other error by its class and its place, never by
its words, which may quote a prompt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from app.stream.concurrency.tasks import is_cancelled
from app.stream.observing import tell
from app.stream.redis.refusals import NO_ANSWER, refusal_of, tell_refusal
from app.watch.events import of_processes

PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 1.0


async def for_ever(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Does `work` until it returns."""
    pause = PAUSE_SECONDS
    while True:
        began = asyncio.get_running_loop().time()
        try:
            return await work()
        except (Exception, asyncio.CancelledError) as error:  # nothing may end the worker but a signal
            if isinstance(error, asyncio.CancelledError) and is_cancelled():
                raise  # otherwise it is of something that was waited for
            if asyncio.get_running_loop().time() - began > PAUSE_SECONDS_MAX:
                pause = PAUSE_SECONDS
            if isinstance(error, NO_ANSWER) and refusal_of(error).passes:
                tell_refusal(what, error)
            else:
                tell(of_processes.Fault.met(what, error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)
