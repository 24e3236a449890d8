"""SIGTERM and SIGINT: before a server serves, while it does, and once it has come to its end.

The rule: a signal is never lost and never a traceback. A handler that raised could be both: Python drops what is
raised in a finalizer or in a weak reference's callback, and loading a large module runs many of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def leave_at_once(status: int = 0) -> None:
    """From here on a signal ends the process with that status: there is nothing yet to be put in order."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: os._exit(status))


def let_end() -> None:
    """From here on signals change nothing: the process is ending. To be called on the loop that heard them until now.

    A loop that closes would give them back their default, and one that comes late would turn a clean end into a kill.
    """
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def end_at_once(status: int) -> None:
    """Ends the process as it stands, when all is in order but threads that still run and that nobody can end."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def stop_on_signals() -> asyncio.Event:
    """An event for the first one; a second one ends the process at once."""
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(0)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return stop


async def until_stopped(stop: asyncio.Event, running: asyncio.Task[None], checking: asyncio.Task[None]) -> None:
    """Returns when a signal came, when the server has fallen, or when Redis was found unfit."""
    stopping = asyncio.create_task(stop.wait(), name="stop")
    until: set[asyncio.Task[Any]] = {stopping, running}
    while not stopping.done() and not running.done():
        await asyncio.wait(until if checking.done() else until | {checking}, return_when="FIRST_COMPLETED")
        if checking.done() and checking.exception() is not None:
            break
    stopping.cancel()
