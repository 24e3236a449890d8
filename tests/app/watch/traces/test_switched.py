from __future__ import annotations

import subprocess
import sys

import pytest

from app.settings import Settings
from app.watch.events.of_processes import TracesOff
from app.watch.traces import carried
from app.watch.traces.switched import traced
from tests.harness.heard import heard
from tests.harness.running import clean_environment

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ON = {ENDPOINT: "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("environ", "on"),
    [
        ({}, False),
        (ON, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"}, True),
        (ON | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (ON | {"OTEL_SDK_DISABLED": "1"}, True),
        (ON | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ON | {"OTEL_TRACES_EXPORTER": "console"}, False),
        (ON | {"OTEL_TRACES_EXPORTER": "console, otlp"}, True),
        ({ENDPOINT: " "}, False),
    ],
)
def test_it_is_switched_by_opentelemetrys_own_variables(environ: dict[str, str], *, on: bool) -> None:
    assert Settings.from_env(environ).traces is on


def test_off_it_is_nobody() -> None:
    with heard() as events, traced(Settings(), "front", "front-1") as observer:
        assert observer is None
        assert not carried.is_on()
    assert events == []


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        (ON | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
        ({ENDPOINT: "collector:4318"}, "http://"),
        (ON | {"OTEL_BSP_MAX_QUEUE_SIZE": "1"}, "ValueError"),  # below the batches' size
    ],
)
def test_what_cannot_be_used_is_told_once_and_the_process_goes_on(
    environ: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with heard() as events, traced(Settings.from_env(environ), "front", "front-1") as observer:
        assert observer is None
    [off] = events
    assert isinstance(off, TracesOff)
    assert why in off.why


def test_where_it_is_not_installed_it_is_told_how_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.watch.traces.provided", None)  # as an import that fails
    with heard() as events, traced(Settings.from_env(ON), "worker", "w") as observer:
        assert observer is None
    [off] = events
    assert isinstance(off, TracesOff)
    assert "pip install 'keepstream-server[otel]'" in off.why


def test_off_nothing_of_it_is_loaded_but_the_interface_that_the_sdk_brings_along() -> None:
    code = (
        "import sys, app.main; loaded = set(sys.modules); import worker.process;"
        "print([n for n in loaded if n.startswith('opentelemetry')],"
        " [n for n in sys.modules if n.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'requests'))])"
    )
    command, environ = [sys.executable, "-c", code], clean_environment()
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert ran.stdout.strip() == "[] []"
