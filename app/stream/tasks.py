"""Ending tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any

# How long a task may take to end before it is cancelled again.
AGAIN_SECONDS = 0.1


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
