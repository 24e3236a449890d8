"""An endpoint that hangs, refuses or talks nonsense: told once and when it is over, counted, in nobody's way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from app.stream.observing import Event, listen
from app.watch.events.of_processes import SpansLost, TracesAway, TracesBack
from app.watch.traces import sending as sending_
from app.watch.traces.observer import SCOPE
from app.watch.traces.sending import ANSWER_BYTES, Batches, Sender
from tests.harness.network.otlp import Endpoint, endpoint
from tests.patience import PATIENCE


class Heard:
    """Also by the thread that sends."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def told(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def until(self, kind: type[Event]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.of(kind)), PATIENCE)

    @property
    def lost(self) -> int:
        return sum(event.spans for event in self.events if isinstance(event, SpansLost))


@pytest.fixture
def heard() -> Iterator[Heard]:
    before = listen(heard := Heard())
    yield heard
    listen(before)


@pytest.fixture
def otlp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with endpoint() as place:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", place.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
        yield place


@contextmanager
def sending() -> Iterator[Tracer]:
    provider, batches = TracerProvider(shutdown_on_exit=False), Batches(Sender())
    provider.add_span_processor(batches)
    try:
        yield provider.get_tracer(SCOPE)
    finally:
        batches.leave()


def test_what_is_made_arrives_at_the_latest_at_the_end(otlp: Endpoint, heard: Heard) -> None:
    with sending() as tracer:
        for n in range(3):
            tracer.start_span(f"span {n}").end()
    assert sorted(one.name for one in otlp.spans) == ["span 0", "span 1", "span 2"]
    assert heard.events == []


@pytest.mark.parametrize(
    ("status", "error"), [(500, "status_500"), (503, "status_503"), (404, "status_404"), (None, "ReadTimeout")]
)
def test_it_is_told_once_and_when_it_is_over(otlp: Endpoint, heard: Heard, status: int | None, error: str) -> None:
    otlp.does = lambda: status
    with sending() as tracer:
        tracer.start_span("lost").end()
        heard.until(SpansLost)
        tracer.start_span("lost too").end()
        with heard._changed:
            assert heard._changed.wait_for(lambda: heard.lost == 2, PATIENCE)
        otlp.does = lambda: 200
        tracer.start_span("taken").end()
        heard.until(TracesBack)
    assert heard.of(TracesAway) == [TracesAway(error)]
    [back] = heard.of(TracesBack)
    assert isinstance(back, TracesBack)
    assert back.spans == 2
    assert [one.name for one in otlp.spans] == ["taken"]


def test_where_nobody_listens_it_is_told_so(otlp: Endpoint, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    with sending() as tracer:
        tracer.start_span("lost").end()
        heard.until(TracesAway)
    assert heard.of(TracesAway) == [TracesAway("ConnectionError")]
    assert otlp.spans == []


def test_an_answer_is_not_read_beyond_what_it_has_to_say(otlp: Endpoint, heard: Heard) -> None:
    otlp.answers = b"nonsense" * ANSWER_BYTES
    with sending() as tracer:
        tracer.start_span("taken").end()
    assert [one.name for one in otlp.spans] == ["taken"]
    assert heard.of(TracesAway) == []


def test_what_finds_no_room_is_counted_and_the_newest_stay(
    otlp: Endpoint, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    otlp.does = lambda: None
    with sending() as tracer:
        tracer.start_span("hangs").end()
        otlp.until(lambda: otlp.hanging == 1)
        for n in range(7):
            tracer.start_span(f"span {n}").end()
        assert heard.lost == 3
    assert heard.lost == 7  # and it is left, although nobody lets go of the sender


@pytest.mark.timeout(60)  # else it would be waited for
def test_an_exit_waits_for_nobody_who_does_not_come(otlp: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, gone = threading.Event(), threading.Event()

    def shutdown(_: Batches) -> None:
        gate.wait()
        gone.set()

    batches = Batches(Sender())
    with monkeypatch.context() as patched:
        patched.setattr(Batches, "shutdown", shutdown)
        patched.setattr(sending_, "LEAVE_SECONDS", 0.01)
        batches.leave()
    assert not gone.is_set()
    gate.set()
    batches.leave()
    assert otlp.spans == []
