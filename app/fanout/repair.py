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
from app.watch.events import of_processes

# Between two tries, and at the most.
RETRY_SECONDS = 0.2
RETRY_SECONDS_MAX = 2.0


class Repair:
    """`work` is one round; it returns whether another must follow, and may raise what Redis raises."""

    def __init__(self, name: str, work: Callable[[], Awaitable[bool]]) -> None:
        self._name = name
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._closed = False
        self._later: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """One round from now on, at the least."""
        if self._closed:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=self._name)
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
        self.ask()

    async def _run(self) -> None:
        pause = Pause(RETRY_SECONDS, RETRY_SECONDS_MAX)
        try:
            while True:
                self._again = False
                try:
                    more = await self._work()
                except (RedisError, *AWAY) as error:
                    tell_refusal(self._name, error)
                    await pause.wait()
                    continue
                if not (more or self._again):
                    return
        except Exception as error:  # noqa: BLE001  # whoever needs it asks again: the slow beat does
            tell(of_processes.Fault.met(self._name, error))
        finally:
            self._task = None
