"""The metrics of a process: an observer that counts what it is told, and the page that shows it.

The rule: it is told by any thread, so what is counted stands behind one lock, and a page is made of a copy. What is
sampled is asked for on the loop that has it, and there is nothing of it before the composition root has said where.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from threading import RLock

from app.stream.counts.distribution import Distribution
from app.stream.observing import Event
from app.watch.metrics.exposition import Exposition, Page, form_of
from app.watch.metrics.parts.front_metrics import FrontMetrics
from app.watch.metrics.parts.loop_lag import LoopLag
from app.watch.metrics.parts.process_metrics import ProcessMetrics
from app.watch.metrics.parts.worker_metrics import WorkerMetrics
from app.watch.metrics.series import Shown

# Whoever asks without end takes this part of the process' time at the most: the same page is given until then.
TIME_SHARE = 0.1


class Metrics:
    """`own` counts what only a front, or only a worker, does; `scripts` says how long Redis took for them.

    `failures` says how often an observer raised, `unserved` how often the port could not be had.
    """

    def __init__(self, own: FrontMetrics | WorkerMetrics, scripts: Callable[[], Mapping[str, Distribution]]) -> None:
        self.loop_lag = LoopLag()
        self.failures: Callable[[], int] = int
        self.unserved: Callable[[], int] = int
        self._own = own
        self._process = ProcessMetrics(self.loop_lag.seconds, scripts)
        self._hears = self._own.hears | self._process.hears
        self._samples: list[Callable[[], Iterable[Shown]]] = []
        self._lock = RLock()  # what is sampled may tell something
        self._exposition = Exposition(self._gather)
        self._pages: dict[str, tuple[float, Page]] = {}

    def told(self, event: Event) -> None:
        counts = self._hears.get(type(event))
        if counts is not None:
            with self._lock:
                counts(event)

    def samples(self, read: Callable[[], Iterable[Shown]]) -> None:
        """From now on this is asked for each page."""
        self._samples.append(read)

    def page(self, accept: str = "") -> Page:
        """All of it as it is now, or was a moment ago. On the loop whose objects are sampled."""
        form, began = form_of(accept), time.perf_counter()
        until, page = self._pages.get(form, (0.0, None))
        if page is None or began >= until:
            page = self._exposition.page(form)
            until = began + (time.perf_counter() - began) / TIME_SHARE
            self._pages[form] = until, page
        return page

    def _gather(self) -> list[Shown]:
        with self._lock:
            sampled = [shown for read in self._samples for shown in read()]
            counted = [*self._own.counted(), *self._process.counted(self.failures(), self.unserved())]
        return [*sampled, *counted]
