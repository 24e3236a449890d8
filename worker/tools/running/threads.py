"""Threads for plain functions, each for one call.

The rule: nobody waits for a thread that hangs, the process' end least of all; who leaves a call leaves its thread to
itself, and is told when that is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any

# At the same time, in one worker: calls beyond it wait for their turn.
THREADS_MAX = 128


NAME = "tool"


def are_left() -> bool:
    """Whether any of them still runs: an interpreter that is taken apart around one aborts."""
    return any(thread.name == NAME for thread in threading.enumerate())


class Threads:
    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(THREADS_MAX)

    async def run(self, work: Callable[[], Any], over: Callable[[], None]) -> Any:
        """What `work` returns, which must not raise. `over` is called once it has, also if nobody waits any more, and
        at once where it is never begun.
        """
        try:
            await self._turns.acquire()
        except BaseException:
            over()
            raise
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        done: asyncio.Future[Any] = loop.create_future()

        def end(value: Any) -> None:
            self._turns.release()
            over()
            if not done.done():
                done.set_result(value)

        def thread() -> None:
            value = context.run(work)
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody asks
                loop.call_soon_threadsafe(end, value)

        try:
            threading.Thread(target=thread, name=NAME, daemon=True).start()
        except BaseException:
            end(None)
            raise
        return await done
