"""Tasks that live as long as their process, and ending tasks for certain.

The rule: no background task ends unnoticed, and none runs without a pause. What ends or raises is told with its class
and its place (never with its words: they may hold a prompt), counted, and started again after a pause; who asks is told
that it stands still. What only waits for Redis is told as the outage that it is. Both processes have no other kind
(`tests/test_tasks.py`); `threads` is the same for threads.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Self

from app.stream.errors import place_of
from app.stream.observing import TaskFell, tell
from app.stream.redis.refusals import NO_ANSWER, refusal_of, tell_refusal

# How long a task may take to end before it is cancelled again.
AGAIN_SECONDS = 0.1
# Between a task's fall and its next start: doubling, and as at first once it has gone on for `STEADY_SECONDS`.
PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 1.0
STEADY_SECONDS = 1.0
# What is done in rounds is late when none was done for so many of its pauses, and for so long at the least: a busy
# machine is none that stands still.
LATE_ROUNDS = 5
LATE_SECONDS = 15.0


class Supervised:
    """Work that never ends, started again whenever it does. `async with`, or `start` and `stop`.

    `work` makes the awaitable anew for each start; it is expected to run until it is cancelled. `asks_redis`: what it
    raises may be Redis being away or refusing for now, which is told as that and is no fall.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], *, asks_redis: bool = False) -> None:
        self.name = name
        self.falls = 0
        self._work = work
        self._asks_redis = asks_redis
        self._task: asyncio.Task[None] | None = None
        self._running = False

    @property
    def alive(self) -> bool:
        """Whether the work is under way: not fallen and waiting for its next start, not stopped, not forgotten."""
        return self._running and self._task is not None and not self._task.done()

    def start(self) -> Self:
        self._running = True
        self._task = asyncio.create_task(self._supervise(), name=self.name)
        return self

    async def stop(self) -> None:
        if self._task is not None:
            await end(self._task)

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        pause = Pause(PAUSE_SECONDS, PAUSE_SECONDS_MAX)
        while True:
            self._running, since = True, loop.time()
            try:
                await self._work()
                self._fell(None)
            except (Exception, asyncio.CancelledError) as error:  # whatever it is: it is told, and the work goes on
                if isinstance(error, asyncio.CancelledError) and is_cancelled():
                    raise  # otherwise it is of something it waited for: that is a fault, not the end
                self._fell(error)
            if loop.time() - since >= STEADY_SECONDS:
                pause.reset()
            await pause.wait()

    def _fell(self, error: BaseException | None) -> None:
        self._running = False
        if self._asks_redis and isinstance(error, NO_ANSWER) and refusal_of(error).passes:
            tell_refusal(self.name, error)
            return
        self.falls += 1
        tell(fall_of(self.name, error))


class Rounds(Supervised):
    """Supervised work that is done again and again, `seconds` after it was done.

    It lives only as long as rounds are done: one that hangs is ended, which is a fall, and begun again.
    """

    def __init__(self, name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        super().__init__(name, self._rounds)
        self._seconds = seconds
        self._round = work
        self._done_at = 0.0

    @property
    def alive(self) -> bool:
        since = asyncio.get_running_loop().time() - self._done_at
        return super().alive and since < self._seconds + self._late_seconds

    def start(self) -> Self:
        self._done_at = asyncio.get_running_loop().time()
        return super().start()

    @property
    def _late_seconds(self) -> float:
        return max(self._seconds * LATE_ROUNDS, LATE_SECONDS)

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            async with asyncio.timeout(self._late_seconds):
                await self._round()
            self._done_at = asyncio.get_running_loop().time()


def fall_of(name: str, error: BaseException | None) -> TaskFell:
    """The event of work that raised `error`, or ended by itself."""
    return TaskFell(name, "ended", "") if error is None else TaskFell(name, type(error).__name__, place_of(error))


class Pause:
    """What lies between two tries: doubling from `first` to `most` seconds, jittered."""

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._next = first

    async def wait(self) -> None:
        await asyncio.sleep(jittered(self._next))
        self._next = min(self._next * 2, self._most)

    def reset(self) -> None:
        """It went well: the next pause is the first one."""
        self._next = self._first


def is_cancelled() -> bool:
    """Whether a `CancelledError` that comes now is meant for the present task, and not of something it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def jittered(seconds: float) -> float:
    """Between half and the whole of it, so that those who fell together do not come back together."""
    return seconds * random.uniform(0.5, 1)  # noqa: S311  # jitter, not a secret


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks and returns when all have ended, whatever they come to.

    Again and again: a cancellation can get lost in `asyncio.wait_for`, through which redis-py sends its commands, if it
    arrives in the moment in which the command is sent.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)  # what they raised was seen
