"""Looking again: rounds of one piece of work, asked for by many, done one after the other.

The rule: who asks while a round is under way gets one more, together with all who ask; after trouble that passes there
is a pause, and anything else is told and ends the rounds until somebody asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from redis.exceptions import RedisError

from app.stream.concurrency.tasks import Pause
from app.stream.observing import tell
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal
from app.watch.events import of_fronts, of_processes
from app.watch.events.subjects import subject

# As who looks is called.
NAME = "tail-repair"
# Between two tries, and at the most.
RETRY_SECONDS = 0.2
RETRY_SECONDS_MAX = 2.0


class Repair:
    """`work` is one round; it returns whether another must follow, and may raise what Redis raises."""

    def __init__(self, stream_id: str, work: Callable[[], Awaitable[bool]]) -> None:
        self._stream_id = stream_id
        self._cause = ""
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._closed = False
        self._later: asyncio.TimerHandle | None = None

    def ask(self, cause: str) -> None:
        """One round from now on, at the least. `cause` is told with what the first of them asked for."""
        if self._closed:
            return
        if self._task is None:
            self._cause = cause
            self._task = asyncio.create_task(self._run(), name=NAME)
        else:
            self._again = True

    def ask_in(self, seconds: float) -> None:
        """One in a while, however often this is called meanwhile; the later of two times is forgotten."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        if self._later is not None:
            if self._later.when() <= loop.time() + seconds:
                return
            self._later.cancel()
        self._later = loop.call_later(seconds, self._ask_now)

    async def done(self) -> None:
        """Returns when none is under way."""
        if self._task is not None:
            await asyncio.wait({self._task})  # which does not pass on that it was cancelled

    def close(self) -> None:
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        if self._later is not None:
            self._later.cancel()

    def _ask_now(self) -> None:
        self._later = None
        self.ask("again")

    async def _run(self) -> None:
        pause, rounds, began = Pause(RETRY_SECONDS, RETRY_SECONDS_MAX), 0, asyncio.get_running_loop().time()
        try:
            while True:
                self._again = False
                rounds += 1
                try:
                    more = await self._work()
                except (RedisError, *AWAY) as error:
                    tell_refusal(NAME, error)
                    await pause.wait()
                    continue
                if not (more or self._again):
                    seconds = asyncio.get_running_loop().time() - began
                    tell(of_fronts.TailRepaired(subject(self._stream_id), self._cause, rounds, seconds))
                    return
        except Exception as error:  # noqa: BLE001  # whoever needs it asks again: the slow beat does
            tell(of_processes.Fault.met(NAME, error, subject(self._stream_id)))
        finally:
            self._task = None
