"""How spans leave: in batches, from a thread of their own, to an endpoint that may hang, refuse or talk nonsense.

The rule: whatever the endpoint does is told as one event when it begins and one when it is over, and what is lost is
counted; it is never in a stream's way, takes a bounded amount of memory, and holds no exit up for long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from app.stream.observing import tell
from app.watch.events.of_processes import SpansLost, TracesAway, TracesBack
from app.watch.traces.sieve import passed

# An answer is a status and a few bytes; where more comes, or nothing for so long, it is left unread.
ANSWER_BYTES = 64 * 1024
ANSWER_SECONDS = 10.0
# For so long an exit waits for the last spans; where the endpoint is away, hardly at all.
LEAVE_SECONDS = 2.0
LEAVE_AWAY_SECONDS = 0.2


class _Session(requests.Session):
    """Notes in a word what became of the last request, and reads no more of its answer than it has to."""

    outcome = ""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            answer = super().request(*args, **{**kwargs, "stream": True})
        except Exception as error:
            self.outcome = type(error).__name__
            raise
        self.outcome = "" if answer.ok else f"status_{answer.status_code}"
        with answer, suppress(requests.RequestException):  # the status has said it
            _leave(answer)
        return answer


def _leave(answer: requests.Response) -> None:
    """Reads it to its end, so that the connection can be used again, as far as that is worth it."""
    until, size = time.monotonic() + ANSWER_SECONDS, 0
    for chunk in answer.iter_content(4096):
        size += len(chunk)
        if size > ANSWER_BYTES or time.monotonic() > until:
            return


class Sender(SpanExporter):
    """Sends what may leave, and tells of the endpoint."""

    def __init__(self) -> None:
        self._session = _Session()
        self._to = OTLPSpanExporter(session=self._session)
        self._away_since: float | None = None
        self._lost = 0
        self.taken = 0

    @property
    def is_away(self) -> bool:
        return self._away_since is not None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        leaving = passed(spans)
        if not leaving:
            return SpanExportResult.SUCCESS
        try:
            result = self._to.export(leaving)
        except Exception as error:  # noqa: BLE001  # the thread that sends must live
            self._session.outcome, result = type(error).__name__, SpanExportResult.FAILURE
        if result is not SpanExportResult.SUCCESS:
            self._fails(len(leaving))
        elif self._away_since is not None:
            since, self._away_since = self._away_since, None
            lost, self._lost = self._lost, 0
            tell(TracesBack(time.monotonic() - since, lost))
        return result

    def _fails(self, spans: int) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            tell(TracesAway(self._session.outcome or "unusable"))
        self.lose(spans)

    def lose(self, spans: int) -> None:
        self._lost += spans
        tell(SpansLost(spans))

    def shutdown(self) -> None:
        self._to.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._to.force_flush(timeout_millis)


class Batches(BatchSpanProcessor):
    """OpenTelemetry's own, bounded by its own variables; counts what finds no room."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._most: int = BatchSpanProcessor._default_max_queue_size()  # type: ignore[no-untyped-call]  # noqa: SLF001
        self._ended = self._overflown = 0
        super().__init__(sender, max_queue_size=self._most)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self._ended += 1
            if self._ended - self._overflown - self._sender.taken > self._most:  # the oldest of them falls out
                self._overflown += 1
                self._sender.lose(1)
        super().on_end(span)

    def leave(self) -> None:
        """Sends what is left, within `LEAVE_SECONDS`."""
        leaving = threading.Thread(target=self.shutdown, name="traces-leave", daemon=True)
        leaving.start()
        leaving.join(LEAVE_AWAY_SECONDS if self._sender.is_away else LEAVE_SECONDS)
        if left := self._ended - self._overflown - self._sender.taken:
            self._sender.lose(left)
