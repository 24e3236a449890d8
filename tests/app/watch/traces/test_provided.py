from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from opentelemetry import trace

from app.watch.traces import provided as module
from app.watch.traces.provided import Provided, provided
from tests.harness.network.otlp import Endpoint, endpoint


@pytest.fixture
def otlp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setattr(trace, "set_tracer_provider", lambda _: None)  # which one can do but once in a process
    for name in module._QUIET:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    with endpoint() as place:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", place.url)
        yield place


def left(made: Provided) -> None:
    made.observer._tracer.start_span("ours").end()
    made.batches.leave()


@pytest.mark.parametrize(
    ("environ", "service"),
    [
        ({}, "keepstream-worker"),
        ({"OTEL_SERVICE_NAME": "relay"}, "relay"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=from-attributes"}, "from-attributes"),
    ],
)
def test_a_process_says_who_it_is_unless_it_is_told(
    otlp: Endpoint, environ: dict[str, str], service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    left(provided("worker", "worker-1"))
    assert [one.service for one in otlp.spans] == [service]


def test_a_sampler_of_opentelemetrys_variables_is_asked(otlp: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    left(provided("front", "front-1"))
    assert otlp.spans == []


def test_opentelemetrys_own_log_is_silent(otlp: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    made = provided("front", "front-1")
    logging.getLogger("opentelemetry.trace.span").critical("SECRET")
    left(made)
    assert caplog.records == []
    assert otlp.spans
