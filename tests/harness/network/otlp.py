"""An OTLP endpoint on this machine that takes spans, or hangs, refuses and talks nonsense."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tests.patience import PATIENCE


@dataclass(frozen=True, slots=True)
class Seen:
    """A span as it came. Times are nanoseconds."""

    name: str
    trace_id: str
    span_id: str
    parent: str
    began: int
    ended: int
    attributes: dict[str, Any]
    failed: bool
    events: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    service: str
    state: str


@dataclass
class Endpoint:
    """What came, as spans and as bytes. `does` is asked what to do with each request: a status, or None to hang."""

    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    does: Callable[[], int | None] = lambda: 200
    answers: bytes = b""
    hanging: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _let_go: threading.Event = field(default_factory=threading.Event)

    def of(self, trace_id: str) -> list[Seen]:
        """The spans of a trace that have come so far, as they began."""
        return sorted((one for one in self.spans if one.trace_id == trace_id), key=lambda one: one.began)

    def until(self, found: Callable[[], bool]) -> None:
        """Returns once this is so, at the latest when something more has come."""
        with self._changed:
            assert self._changed.wait_for(found, PATIENCE), [one.name for one in self.spans]

    def took(self, body: bytes) -> None:
        asked = ExportTraceServiceRequest.FromString(body)
        with self._changed:
            self.bodies.append(body)
            self.spans += [
                _seen(span, _values(resource.resource.attributes).get("service.name", ""))
                for resource in asked.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            self._changed.notify_all()

    def met(self) -> None:
        with self._changed:
            self.bodies.append(b"")
            self._changed.notify_all()

    def hang(self) -> None:
        with self._changed:
            self.hanging += 1
            self._changed.notify_all()
        self._let_go.wait(PATIENCE)

    def let_go(self) -> None:
        self._let_go.set()


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    place = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = place.does()
            if status is None:
                place.hang()
                return
            if status == 200:
                place.took(body)
            else:
                place.met()
            self.send_response(status)
            self.send_header("content-length", str(len(place.answers)))
            self.end_headers()
            self.wfile.write(place.answers)

        def log_message(self, *_: object) -> None:
            """Nothing: it would go to stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    place.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield place
    finally:
        place.let_go()
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)


def _seen(span: Any, service: str) -> Seen:
    return Seen(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        attributes=_values(span.attributes),
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        events=tuple(event.name for event in span.events),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        service=service,
        state=span.trace_state,
    )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)
