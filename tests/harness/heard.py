"""What a process tells, kept for a test to look at."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.stream.observing import Event
from app.watch.logs.observer import LogObserver
from app.watch.logs.rendering import shown
from app.watch.observers import observed

logger = logging.getLogger("keepstream")


class Logged:
    """The log of a process that runs tests: the standard library's, which pytest collects for a test that fails."""

    def is_enabled_for(self, _level: int) -> bool:
        """A test says what it wants to see while it runs."""
        return True

    def log(self, level: int, event: str, **fields: Any) -> None:
        if logger.isEnabledFor(level):
            logger.log(level, "%s", " ".join([event, *(f"{name}={shown(value)}" for name, value in fields.items())]))


LOGGED = Logged()


class Heard:
    """Keeps all events, in their order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def told(self, event: Event) -> None:
        self.events.append(event)


@contextmanager
def heard() -> Iterator[list[Event]]:
    """What is told within, which goes to the log as well."""
    listener = Heard()
    with observed(listener, LogObserver(LOGGED), log=LOGGED):
        yield listener.events
