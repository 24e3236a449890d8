"""What a process tells, kept for a test to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.stream.observing import Event
from app.watch.log_observer import LogObserver
from app.watch.observers import observed


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
    with observed(listener, LogObserver()):
        yield listener.events
