"""The metrics of a front and of a worker that are none, and what their page says."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families as families

from app.stream.counts.distribution import Distribution
from app.stream.observing import Event
from app.stream.workers.gates import Limit
from app.stream.workers.standing import Standing
from app.watch.events.subjects import Subject
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.numbers import FrontNumbers, WorkerNumbers
from app.watch.metrics.parts import front_metrics, worker_metrics
from app.watch.metrics.parts.front_metrics import FrontMetrics
from app.watch.metrics.parts.worker_metrics import WorkerMetrics
from app.watch.metrics.series import Shown
from app.watch.metrics.table import Of

OF = Subject("st_1", "me")
STANDING = Standing(3, 1.5, 2, 1, 50, 0, 1000, 2000, 4)


def lag() -> Distribution:
    found = Distribution()
    found.add(0.001)
    return found


def of_front(*, ready: bool = True) -> Iterator[Shown]:
    return front_metrics.read(FrontNumbers(7, 2, 99, {"window": 1}, lag(), ready=ready, draining=False))


def of_worker() -> Iterator[Shown]:
    limits = {"requests": Limit("requests", 50, 9, 1000)}
    return worker_metrics.read(WorkerNumbers(4, 50, draining=False, batch_frames=lag(), limits=limits))


def metrics_of(of: Of) -> Metrics:
    if of is Of.FRONT:
        metrics = Metrics(FrontMetrics(), lambda: {"log/read": lag()})
        metrics.samples(of_front)
    else:
        metrics = Metrics(WorkerMetrics(), lambda: {"log/append": lag()})
        metrics.samples(of_worker)
    return metrics


def shown(metrics: Metrics) -> dict[str, float]:
    """Each sample of ours by its name and labels, as a query would name it."""
    metrics._pages.clear()
    found = {}
    for family in families(metrics.page().body.decode()):
        for sample in family.samples:
            name = sample.name.removeprefix("keepstream_")
            labels = ",".join(f"{label}={value}" for label, value in sorted(sample.labels.items()))
            found[f"{name}{{{labels}}}" if labels else name] = sample.value
    return found


def after(of: Of, *events: Event) -> dict[str, float]:
    metrics = metrics_of(of)
    for event in events:
        metrics.told(event)
    return shown(metrics)
