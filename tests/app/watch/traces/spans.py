"""Spans that are made in a test, without a way out of this process."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace import format_span_id, format_trace_id

from app.watch.traces.ids import StreamIds
from app.watch.traces.observer import TracesObserver


class Traced:
    """An observer, its clock (nanoseconds) and what it has made."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        ids, self._made = StreamIds(), InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler, id_generator=ids, shutdown_on_exit=False)
        always = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
        for provider in (self.provider, always):
            provider.add_span_processor(SimpleSpanProcessor(self._made))
        self.now = 10**18
        self.observer = TracesObserver(self.provider, always, ids, lambda: self.now)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._made.get_finished_spans()

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def passes(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


def trace_id(span: ReadableSpan) -> str:
    return format_trace_id(span.context.trace_id)


def span_id(span: ReadableSpan) -> str:
    return format_span_id(span.context.span_id)


def parent(span: ReadableSpan) -> str:
    return "" if span.parent is None else format_span_id(span.parent.span_id)
