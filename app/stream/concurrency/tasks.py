"""Tasks that live as long as their process, and ending tasks for certain.

The rule: no background task ends unnoticed, and none runs without a pause. What ends or raises is logged with its class
(never with its words: they may hold a prompt) and started again after a pause; who asks is told that it stands still.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Self

from app.stream.observing import TaskFell, tell

# How long a task may take to end before it is cancelled again.
AGAIN_SECONDS = 0.1
# Between a task's fall and its next start: doubling, and as at first once it has gone on for `STEADY_SECONDS`.
PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 5.0
STEADY_SECONDS = 30.0


class Supervised:
    """Work that never ends, started again whenever it does. `async with`, or `start` and `stop`.

    `work` makes the awaitable anew for each start; it is expected to run until it is cancelled.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self.falls = 0
        self._work = work
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
                fell = "ended"
            except asyncio.CancelledError as error:
                if is_cancelled():
                    raise
                fell = type(error).__name__  # of something it waited for: that is a fault, not the end
            except Exception as error:  # noqa: BLE001  # whatever it is: it is told, and the work goes on
                fell = type(error).__name__
            self._running = False
            self.falls += 1
            tell(TaskFell(self.name, fell))
            if loop.time() - since >= STEADY_SECONDS:
                pause.reset()
            await pause.wait()


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


def supervised(name: str, work: Callable[[], Awaitable[object]]) -> Supervised:
    """Starts `work`, for as long as the process lives; `stop` ends it."""
    return Supervised(name, work).start()


async def every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Does `work` again and again, `seconds` after it was done; for ever, unless it raises."""
    while True:
        await asyncio.sleep(seconds)
        await work()


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
