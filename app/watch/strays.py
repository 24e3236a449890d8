"""What raises where nobody catches it: in a task that nobody awaits, a callback, a thread, a finalizer.

The rule: it is told with its class and its place, as any other fault. The ways of Python's own write the exception's
words, the arguments of callbacks and whole tracebacks to stderr, and those may quote a prompt.
"""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.stream.observing import tell
from app.watch.events.of_processes import Fault

# What the loop says without an exception begins with words of its own; what follows may be anybody's.
_WORDS = re.compile(r"[A-Za-z ]{0,60}")


@contextmanager
def strays_told() -> Iterator[None]:
    """Within, those of this process' threads and finalizers."""
    before = threading.excepthook, sys.unraisablehook
    threading.excepthook = lambda raised: _tell("thread", raised.exc_value)
    sys.unraisablehook = lambda raised: _tell("finalizer", raised.exc_value)
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = before


def tell_of_loop() -> None:
    """From here on, those of the running loop."""
    asyncio.get_running_loop().set_exception_handler(_met)


def _met(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if error is None:
        said = _WORDS.match(str(context.get("message", "")))
        tell(Fault("loop", said[0].strip() if said else "", "an unknown place"))
    else:
        _tell("loop", error)


def _tell(doing: str, error: BaseException | None) -> None:
    if error is not None:
        tell(Fault.met(doing, error))
