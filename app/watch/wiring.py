"""Who watches a process: its observers are chosen here by the settings, and nowhere else.

The rule: the two mains ask for all of them at once, before anything is told, and hand what they get to their
composition root; an observer is one line in `watching`, and what it brings that costs a start is imported there. What
the composition root has to give to one (what is sampled) or to take from it (what is served) is a field of `Watch`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from app.settings import Settings, SettingsError
from app.stream.counts import timing
from app.stream.errors import UnfitServerError
from app.stream.observing import tell
from app.stream.timeline.noting import keeping
from app.watch.events.of_processes import Fault
from app.watch.logs.observer import LogObserver
from app.watch.logs.opening import Opened, opened
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.parts.front_metrics import FrontMetrics
from app.watch.metrics.parts.worker_metrics import WorkerMetrics
from app.watch.observers import Observers, observed
from app.watch.strays import strays_told
from app.watch.tallies import Tallies
from app.watch.timeline.keeper import Timelines
from app.watch.traces.switched import traced

Kind = Literal["front", "worker"]
# As Python's own for an exception that nobody has caught.
FELL = 1


@dataclass(frozen=True, slots=True)
class Watch:
    """What observes a process of that `name`, which is the one it has in Redis.

    `metrics`: None where nobody could ask for them.
    """

    kind: Kind
    name: str
    observers: Observers
    tallies: Tallies
    log: Opened
    metrics: Metrics | None = None


@contextmanager
def watching(settings: Settings, kind: Kind, name: str, environ: Mapping[str, str] | None = None) -> Iterator[Watch]:
    """Within, all that this process tells is heard. The log comes first: it tells of the others' troubles.

    `environ` is asked what a terminal is like, and nothing else.
    """
    tallies, metrics = Tallies(name), _metrics(settings, kind)
    timelines = Timelines(kind) if settings.timeline == "on" else None
    with (
        opened(settings, name, environ or {}) as log,
        observed(LogObserver(log.log), tallies, log=log.log) as observers,
        _falls_told(),
        strays_told(),
        keeping(timelines),
        traced(settings, kind, name) as traces,
    ):
        observers.add(traces)
        observers.add(timelines)
        if metrics is not None:
            observers.add(metrics)
            metrics.failures = lambda: observers.failures + log.writer.lost
        yield Watch(kind, name, observers, tallies, log, metrics)


@contextmanager
def _falls_told() -> Iterator[None]:
    """What is raised within, and is no word for the operator, is told as a fault and ends the process."""
    try:
        yield
    except (SettingsError, UnfitServerError):  # the command says it in a line of its own
        raise
    except Exception as error:  # noqa: BLE001  # a traceback would have its words
        tell(Fault.met("process", error))
        raise SystemExit(FELL) from None


def _metrics(settings: Settings, kind: Kind) -> Metrics | None:
    """A worker's are asked for at their own port only."""
    if kind == "front":
        return Metrics(FrontMetrics(), timing.seconds)
    return Metrics(WorkerMetrics(), timing.seconds) if settings.metrics_port is not None else None
