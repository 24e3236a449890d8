"""The page of metrics, as Prometheus reads it.

The rule: the library makes the page, in the format that is asked for, from a registry that is this process' own; what
is in it comes from `gather`. Nothing is kept for it: no `_created` series, no registry of the library's. It is loaded
with the first page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from app.stream.counts.distribution import Distribution
from app.watch.metrics.series import Shown
from app.watch.metrics.table import PREFIX, Kind

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

# As clients ask for the newer format; what else they say of it makes no difference to names like ours.
OPENMETRICS = "application/openmetrics-text"


@dataclass(frozen=True, slots=True)
class Page:
    body: bytes
    content_type: str


def form_of(accept: str) -> str:
    """The form that a request's header asks for."""
    return OPENMETRICS if OPENMETRICS in accept else ""


class Exposition:
    """`gather` gives all metrics as they are now."""

    def __init__(self, gather: Callable[[], Iterable[Shown]]) -> None:
        self._gather = gather

    def page(self, form: str) -> Page:
        """What there is now, as `OPENMETRICS` or, for any other word, as text."""
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415  # see the module

        encode, content_type = choose_encoder(form if form == OPENMETRICS else "")
        return Page(encode(self._registry), content_type)

    @cached_property
    def _registry(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415  # see the module

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)  # its memory, processor time, descriptors, by their usual names
        return registry

    def collect(self) -> Iterator[Metric]:
        """Asked by the registry."""
        for shown in self._gather():
            yield _family(shown)


def _family(shown: Shown) -> Metric:
    from prometheus_client.core import (  # noqa: PLC0415  # see the module
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    metric = shown.metric
    name, says, labels = f"{PREFIX}{metric.name}", metric.says, metric.labels
    if metric.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(name, says, labels=labels)
        for words, value in shown.values.items():
            if isinstance(value, Distribution):
                histogram.add_metric(words, [*_buckets(value), ("+Inf", value.count)], value.sum)
        return histogram
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(name, says, labels=labels)
    for words, value in shown.values.items():
        if not isinstance(value, Distribution):
            family.add_metric(words, float(value))
    return family


def _buckets(values: Distribution) -> Iterator[tuple[str, float]]:
    return ((str(float(bound)), count) for bound, count in values.up_to())
