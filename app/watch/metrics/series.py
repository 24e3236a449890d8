"""What is counted of one metric: a number, or a distribution, for each set of its labels.

The rule: plain numbers and nothing else, so that counting costs less than a microsecond. There are never more than
`SETS_MAX` sets of labels, whatever anybody names. Pure; used under its owner's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.stream.counts.distribution import Distribution
from app.stream.observing import Event
from app.watch.events.subjects import OTHER
from app.watch.metrics.table import Metric

# Beyond so many all that is new is counted as `other`.
SETS_MAX = 500

Labels = tuple[str, ...]
# What each class of events counts.
Hears = dict[type[Event], Callable[[Any], None]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A metric as it is now."""

    metric: Metric
    values: Mapping[Labels, float | Distribution]


class Sum:
    """A counter."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[Labels, float] = dict.fromkeys(metric.first or (() if metric.labels else ((),)), 0.0)

    def add(self, *labels: str, by: float = 1.0) -> None:
        values = self._values
        if labels not in values and len(values) >= SETS_MAX:
            labels = (OTHER,) * len(labels)
        values[labels] = values.get(labels, 0.0) + by

    def shown(self) -> Shown:
        return Shown(self._metric, dict(self._values))


class Spread:
    """A histogram. Its labels are words of ours."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[Labels, Distribution] = {}
        if not metric.labels:
            self._values[()] = Distribution(metric.buckets)

    def add(self, value: float, *labels: str) -> None:
        found = self._values.get(labels)
        if found is None:
            found = self._values[labels] = Distribution(self._metric.buckets)
        found.add(value)

    def shown(self) -> Shown:
        return Shown(self._metric, dict(self._values))


def now(metric: Metric, value: float | Distribution) -> Shown:
    """What is sampled, of a metric without labels."""
    return Shown(metric, {(): value})


def by_label(metric: Metric, values: Mapping[str, float] | Mapping[str, Distribution]) -> Shown:
    """What is sampled, of a metric with one label."""
    return Shown(metric, {(label,): value for label, value in values.items()})
