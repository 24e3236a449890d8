"""A stream's life as spans: what is told becomes `submit`, `wait`, `attempt n`, `tool NAME`, `end` and `resume`.

The rule: a span is made of an event's fields and nothing else, and what of one is under way stands in the context of
the task that tells it. So nothing is left of a stream whose task has ended, and what a library makes of a call by
itself while it is under way (the SDK does) lies beneath its attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.stream.observing import Event
from app.watch.events import of_fronts, of_streams
from app.watch.events.subjects import Subject, Trace
from app.watch.traces import span_fields as fields
from app.watch.traces.carried import PARENT, STATE
from app.watch.traces.ids import StreamIds

SCOPE = "keepstream"
_NS = 1_000_000_000

_PLACES = TraceContextTextMapPropagator()


@dataclass(slots=True)
class _Life:
    """What is under way of a stream that this task has. `waiting`: since when, and for what; `told` is for the next
    span that says what became of it.
    """

    stream_id: str
    place: Context
    attempt: Span | None = None
    entered: Token[Context] | None = None
    waiting: tuple[int, str] | None = None
    call_ended: int | None = None
    told: dict[str, Any] | None = None


_submit: ContextVar[Span | None] = ContextVar("submit", default=None)
_life: ContextVar[_Life | None] = ContextVar("life", default=None)


class TracesObserver:
    """Makes the spans of `provider`; those of `always` are of streams for which it was decided that they are traced."""

    def __init__(
        self,
        provider: TracerProvider,
        always: TracerProvider,
        ids: StreamIds,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._tracer = provider.get_tracer(SCOPE)
        self._always = always.get_tracer(SCOPE)
        self._ids = ids
        self._clock = clock
        self._spans: dict[type[Event], Callable[[Any], None]] = {
            of_streams.Submitted: self._submitted,
            of_streams.Refused: self._refused,
            of_streams.Claimed: self._claimed,
            of_streams.TakenOver: self._taken_over,
            of_streams.Held: self._held,
            of_streams.Retried: lambda e: self._waits(e.of, "retry", e.wait_seconds),
            of_streams.Restarted: lambda e: self._waits(e.of, "restart", e.wait_seconds),
            of_streams.CallStarted: self._call_started,
            of_streams.FirstContent: self._first_content,
            of_streams.Silent: self._silent,
            of_streams.CallEnded: self._call_ended,
            of_streams.ToolRan: self._tool_ran,
            of_streams.Ended: self._ended,
            of_fronts.ReaderLeft: lambda e: self._resumed(e, e.seconds),
            of_fronts.ReaderServed: lambda e: self._resumed(e, 0.0),
        }

    def told(self, event: Event) -> None:
        if (make := self._spans.get(type(event))) is not None:
            make(event)

    # --- the submit, in a front

    def begun(self, stream_id: str, came: Trace) -> Trace:
        """As `carried.Carrier`: begins the stream's `submit`, of which the rest are children."""
        with self._ids.of_stream(stream_id):
            span = self._tracer.start_span("submit", _place(came), start_time=self._clock())
        _submit.set(span)
        carrier: dict[str, str] = {}
        _PLACES.inject(carrier, trace.set_span_in_context(span, Context()))
        return Trace(carrier.get(PARENT, ""), carrier.get(STATE, ""))

    def _submitted(self, event: of_streams.Submitted) -> None:
        if (span := _submit.get()) is not None:
            _submit.set(None)
            span.set_attributes(fields.submitted(event))
            span.end(self._clock())

    def _refused(self, event: of_streams.Refused) -> None:
        if (span := _submit.get()) is not None:
            _submit.set(None)
            span.set_attributes(fields.refused(event))
            _fails(span, event.reason)
            span.end(self._clock())

    # --- the stream, in a worker

    def _claimed(self, event: of_streams.Claimed) -> None:
        life = _Life(event.of.stream_id, _place(event.of.trace))
        _life.set(life)
        if event.times == 1:
            self._whole("wait", life, self._ago(event.waited_seconds), fields.waited(event, "turn"))
        else:
            life.told = fields.claimed_again(event)
        if event.held_seconds:
            self._whole("wait", life, self._ago(event.held_seconds), fields.waited(event, "gate"))

    def _taken_over(self, event: of_streams.TakenOver) -> None:
        life = _of(event.of)
        life.told = {**(life.told or {}), **fields.taken_over(event)}

    def _held(self, event: of_streams.Held) -> None:
        if not event.parked:  # else it is in the line, and whoever takes it from there tells how long it was
            self._waits(event.of, "gate", event.seconds)

    def _waits(self, of: Subject, what: str, seconds: float) -> None:
        life = _of(of)
        if life.waiting is None and seconds:
            life.waiting = (self._clock(), what)

    def _call_started(self, event: of_streams.CallStarted) -> None:
        life = _of(event.of)
        self._waited(life, event)
        attributes = {**fields.call_started(event), **(life.told or {})}
        life.told = None
        life.attempt = self._start(f"attempt {event.attempt}", life, self._clock(), attributes)
        life.entered = contexts.attach(trace.set_span_in_context(life.attempt))

    def _first_content(self, event: of_streams.FirstContent) -> None:
        if (span := _of(event.of).attempt) is not None:
            span.set_attributes(fields.first_content(event))
            span.add_event("first_content", timestamp=self._clock())

    def _silent(self, event: of_streams.Silent) -> None:
        if (span := _of(event.of).attempt) is not None:
            span.add_event("silent", fields.silent(event), timestamp=self._clock())

    def _call_ended(self, event: of_streams.CallEnded) -> None:
        life = _of(event.of)
        span, life.attempt, life.call_ended = life.attempt, None, self._clock()
        if life.entered is not None:
            contexts.detach(life.entered)
            life.entered = None
        if span is not None:
            span.set_attributes(fields.call_ended(event))
            if event.reason:
                _fails(span, event.reason)
            span.end(life.call_ended)

    def _tool_ran(self, event: of_streams.ToolRan) -> None:
        life = _of(event.of)
        failure = "tool_failed" if event.failed else ""
        self._whole(f"tool {event.tool}", life, self._ago(event.seconds), fields.tool_ran(event), failure)

    def _ended(self, event: of_streams.Ended) -> None:
        life = _of(event.of)
        self._waited(life, event)
        if event.attempts == 0 and event.waited_seconds is None and event.seconds is not None and life.told is None:
            self._whole("wait", life, self._ago(event.seconds), fields.waited(event, "turn"))
        attributes = {**fields.ended(event), **(life.told or {})}
        self._whole("end", life, life.call_ended or self._clock(), attributes, event.error_type)
        _life.set(None)

    # --- a reader that came back, in a front

    def _resumed(self, event: of_fronts.ReaderLeft | of_fronts.ReaderServed, seconds: float) -> None:
        stream = trace.get_current_span(_place(event.of.trace)).get_span_context()
        if event.resumed and stream.trace_flags.sampled:
            links, since = [Link(stream)], self._ago(seconds)
            span = self._always.start_span("resume", Context(), links=links, start_time=since)
            span.set_attributes(fields.resumed(event))
            span.end(self._clock())

    # --- spans

    def _waited(self, life: _Life, event: of_streams.OfStream) -> None:
        if life.waiting is not None:
            (since, what), life.waiting = life.waiting, None
            self._whole("wait", life, since, fields.waited(event, what))

    def _whole(self, name: str, life: _Life, since: int, attributes: dict[str, Any], failure: str = "") -> None:
        span = self._start(name, life, since, attributes)
        if failure:
            _fails(span, failure)
        span.end(self._clock())

    def _start(self, name: str, life: _Life, since: int, attributes: dict[str, Any]) -> Span:
        with self._ids.of_stream(life.stream_id):  # where no front has begun its trace
            return self._tracer.start_span(name, life.place, start_time=since, attributes=attributes)

    def _ago(self, seconds: float) -> int:
        return self._clock() - round(max(seconds, 0.0) * _NS)


def _place(place: Trace) -> Context:
    """A context that is this place; an empty one where it is none."""
    return _PLACES.extract({PARENT: place.parent, STATE: place.state}, Context())


def _of(of: Subject) -> _Life:
    """What is under way of this stream here."""
    life = _life.get()
    if life is None or life.stream_id != of.stream_id:
        life = _Life(of.stream_id, _place(of.trace))
        _life.set(life)
    return life


def _fails(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
