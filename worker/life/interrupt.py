"""Ending what a stream's task waits for, with a reason.

The rule: a reason given is never lost and never doubled. Given while nothing may be interrupted, it waits for the next
place that may. The first reason stays, but for a stronger one: a stream that is no longer ours is only left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any


class Why(IntEnum):
    """Why a stream's task is to stop; a higher one outranks a lower one."""

    STALLED = 1
    SILENT = 2  # but for pings
    LOST = 3  # the log lost more than this attempt
    DRAINED = 4
    EXPIRED = 5
    CANCELLED = 6
    LEFT = 7  # somebody else's, gone, or ended: nothing may be written any more


class Interruption(Exception):  # noqa: N818  # a way out, not an error; never leaves the stream's task
    """What was awaited ended early."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.name)
        self.why = why


class Interrupt:
    """The one way to stop a stream's task, which arms it around whatever may end early."""

    def __init__(self) -> None:
        self.why: Why | None = None
        self._armed: asyncio.Task[Any] | None = None
        self._least = Why.STALLED

    def stop(self, why: Why) -> None:
        """Gives a reason; what is armed for it ends at once."""
        if self.why is None or why > self.why:
            self.why = why
        task = self._armed
        if task is not None and self.why >= self._least:
            self._armed = None
            task.cancel()

    def clear(self) -> None:
        """Forgets a reason that was acted upon and that lets the stream live on."""
        self.why = None

    def check(self, least: Why = Why.STALLED) -> None:
        """Raises `Interruption` if there is a reason of at least this rank."""
        if self.why is not None and self.why >= least:
            raise Interruption(self.why)

    @contextmanager
    def armed(self, least: Why = Why.STALLED) -> Iterator[None]:
        """Within, a reason of at least this rank ends what is awaited. Raises `Interruption`.

        A cancellation that something below has swallowed, or has made an error of, is made up for at the end; where
        that may be long, `check`.
        """
        self.check(least)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be interrupted")
        before = task.cancelling()
        self._armed, self._least = task, least
        try:
            yield
        except (Exception, asyncio.CancelledError):
            if self._disarm(task) and task.cancelling() <= before:
                self.check()
            raise
        except BaseException:
            self._disarm(task)
            raise
        if self._disarm(task):
            self.check()

    def _disarm(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task was cancelled by us, which then no longer counts."""
        ours = self._armed is None
        self._armed = None
        if ours:
            task.uncancel()
        return ours
