"""What every process counts, and what is read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from app.stream.counts.distribution import Distribution
from app.stream.observing import RedisRefused, TaskFell
from app.stream.redis.refusals import Kind
from app.version import our_version
from app.watch.events import of_processes
from app.watch.metrics import table
from app.watch.metrics.labels import FirstFew, one_of
from app.watch.metrics.series import Hears, Shown, Sum, by_label, now

_KINDS = frozenset(str(kind) for kind in Kind)


class ProcessMetrics:
    """Counted by what is told: `hears` says what each event counts; the rest is asked of whoever has it."""

    def __init__(self, loop_lag: Distribution, scripts: Callable[[], Mapping[str, Distribution]]) -> None:
        """`scripts`: how long Redis took for each."""
        self._loop_lag = loop_lag
        self._scripts = scripts
        self._redis_errors = Sum(table.REDIS_ERRORS)
        self._faults = Sum(table.FAULTS)
        self._falls = Sum(table.TASK_FALLS)
        self._spans_lost = Sum(table.SPANS_LOST)
        self._doings, self._tasks = FirstFew(), FirstFew()

        self.hears: Hears = {
            RedisRefused: self._redis_refused,
            of_processes.Fault: self._fault,
            TaskFell: self._task_fell,
            of_processes.SpansLost: lambda event: self._spans_lost.add(by=event.spans),
        }

    def _redis_refused(self, event: RedisRefused) -> None:
        if not event.again:
            self._redis_errors.add(one_of(_KINDS, event.kind))

    def _fault(self, event: of_processes.Fault) -> None:
        self._faults.add(self._doings(event.doing))

    def _task_fell(self, event: TaskFell) -> None:
        self._falls.add(self._tasks(event.task))

    def counted(self, failures: int, unserved: int) -> Iterator[Shown]:
        """`failures` are those of observers; `unserved`: how often the port could not be had."""
        for one in (self._redis_errors, self._faults, self._falls, self._spans_lost):
            yield one.shown()
        yield now(table.OBSERVER_FAILURES, failures)
        yield now(table.METRICS_UNSERVED, unserved)
        yield now(table.LOOP_LAG, self._loop_lag)
        yield by_label(table.REDIS_SECONDS, self._scripts())
        yield by_label(table.BUILD_INFO, {our_version(): 1})
