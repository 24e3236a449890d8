"""Who watches a process: its observers are chosen here by the settings, and nowhere else.

The rule: the two mains ask for all of them at once, before anything is told, and hand what they get to their
composition root; an observer is one line in `watching`, and what it brings that costs a start is imported there. What
the composition root has to give to one (what is sampled) or to take from it (what is served) is a field of `Watch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from app.settings import Settings
from app.stream.counts import timing
from app.stream.timeline.noting import keeping
from app.watch.log_observer import LogObserver
from app.watch.logs import configure
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.parts.front_metrics import FrontMetrics
from app.watch.metrics.parts.worker_metrics import WorkerMetrics
from app.watch.observers import Observers, observed
from app.watch.strays import strays_told
from app.watch.tallies import Tallies
from app.watch.timeline.keeper import Timelines
from app.watch.traces.switched import traced

Kind = Literal["front", "worker"]


@dataclass(frozen=True, slots=True)
class Watch:
    """What observes a process of that `name`, which is the one it has in Redis.

    `metrics`: None where nobody could ask for them.
    """

    kind: Kind
    name: str
    observers: Observers
    tallies: Tallies
    metrics: Metrics | None = None


@contextmanager
def watching(settings: Settings, kind: Kind, name: str) -> Iterator[Watch]:
    """Within, all that this process tells is heard. The log comes first: it tells of the others' troubles."""
    configure(settings.log_level)
    tallies, timelines, metrics = Tallies(name), Timelines(kind), _metrics(settings, kind)
    with (
        observed(LogObserver(), tallies, timelines) as observers,
        strays_told(),
        keeping(timelines),
        traced(settings, kind, name) as traces,
    ):
        observers.add(traces)
        if metrics is not None:
            observers.add(metrics)
            metrics.failures = lambda: observers.failures
        yield Watch(kind, name, observers, tallies, metrics)


def _metrics(settings: Settings, kind: Kind) -> Metrics | None:
    """A worker's are asked for at their own port only."""
    if kind == "front":
        return Metrics(FrontMetrics(), timing.seconds)
    return Metrics(WorkerMetrics(), timing.seconds) if settings.metrics_port is not None else None
