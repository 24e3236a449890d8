from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from app.watch.traces.observer import SCOPE
from app.watch.traces.sieve import SDK_SCOPE, passed


def span_of(scope: str) -> ReadableSpan:
    made = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(made))
    with provider.get_tracer(scope).start_as_current_span("call", record_exception=False) as span:
        span.set_attributes(
            {
                "gen_ai.request.model": "a-model",
                "http.response.status_code": 529,
                "error.type": "SECRET words of an upstream",
                "gen_ai.input.messages": "SECRET",
                "url.full": "https://gateway.example/SECRET",
            }
        )
        span.record_exception(ValueError("SECRET"))
        span.set_status(Status(StatusCode.ERROR, "SECRET"))
    [one] = made.get_finished_spans()
    return one


def test_of_the_sdks_what_is_known_passes() -> None:
    before = span_of(SDK_SCOPE)
    [span] = passed([before])
    assert dict(span.attributes or {}) == {
        "gen_ai.request.model": "a-model",
        "http.response.status_code": 529,
        "error.type": "other",
    }
    assert (span.name, span.context, span.start_time, span.end_time) == (
        before.name,
        before.context,
        before.start_time,
        before.end_time,
    )
    assert span.status.status_code is StatusCode.ERROR
    assert "SECRET" not in span.to_json()


def test_ours_pass_and_nobody_elses() -> None:
    ours = span_of(SCOPE)
    assert passed([ours, span_of("a-library")]) == [ours]
