"""Several observers as one, each kept from the others and from the core.

The rule: an observer's fault is its own. What one raises reaches neither who told nor the next observer; it is said
once for each observer and class of fault, for it would be said with every event, and counted each time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.stream.errors import place_of
from app.stream.observing import Event, Observer, listen
from app.watch.logs.observer import Log

FAILED = "observer.failed"


class Observers:
    """Tells each of them, in this order. `failures`: how often one of them raised."""

    def __init__(self, *observers: Observer, log: Log | None = None) -> None:
        self._observers: tuple[Observer, ...] = observers
        self._log = log
        self._failed: set[tuple[type, type]] = set()
        self.failures = 0

    def add(self, observer: Observer | None) -> None:
        """One more, if there is one, which hears what is told from now on."""
        if observer is not None:
            self._observers = (*self._observers, observer)

    def told(self, event: Event) -> None:
        for observer in self._observers:
            try:
                observer.told(event)
            except Exception as error:  # noqa: BLE001  # see the rule
                self._fail(observer, error)

    def _fail(self, observer: Observer, error: Exception) -> None:
        self.failures += 1
        kind = (type(observer), type(error))
        if kind not in self._failed and self._log is not None:
            self._failed.add(kind)
            of, what = type(observer).__name__, type(error).__name__
            with suppress(Exception):  # it may be the log that fails
                self._log.log(logging.ERROR, FAILED, observer=of, error=what, place=place_of(error))


@contextmanager
def observed(*observers: Observer, log: Log | None = None) -> Iterator[Observers]:
    """Within, these hear what this process tells, and nobody else. To `log` goes what is to be said of themselves."""
    all_of_them = Observers(*observers, log=log)
    before = listen(all_of_them)
    try:
        yield all_of_them
    finally:
        listen(before)
