"""What goes along of a trace: with a request into a front, and with a stream from one process to the next.

The rule: this is all that the core knows of traces, and it is text. A stream keeps its place in its trace in its meta,
and whoever has the stream goes on from there. Where traces are off nothing is read, made or kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from app.stream.observing import tell
from app.watch.events.of_processes import Fault
from app.watch.events.subjects import NO_TRACE, Subject, Trace

# The headers of W3C Trace Context, and the fields of a stream's meta.
PARENT, STATE = "traceparent", "tracestate"


class Carrier(Protocol):
    """Who begins traces."""

    def begun(self, stream_id: str, came: Trace) -> Trace:
        """Where a new stream has its place: in the trace that its request came with, or in one of its own."""


class _Carrying:
    """The one of this process."""

    carrier: Carrier | None = None


_came: ContextVar[Trace] = ContextVar("came", default=NO_TRACE)


@contextmanager
def carrying(carrier: Carrier) -> Iterator[None]:
    """Within, traces are on in this process."""
    before, _Carrying.carrier = _Carrying.carrier, carrier
    try:
        yield
    finally:
        _Carrying.carrier = before


def is_on() -> bool:
    return _Carrying.carrier is not None


def came(header: Callable[[str], Sequence[str]]) -> None:
    """A request has come, with all values of a `header`. One that names two parents has none."""
    if _Carrying.carrier is not None:
        parents = header(PARENT)
        _came.set(Trace(parents[0], ",".join(header(STATE))) if len(parents) == 1 else NO_TRACE)


def begun(stream_id: str) -> Trace:
    """The place of a new stream of the request under way."""
    if _Carrying.carrier is None:
        return NO_TRACE
    try:
        return _Carrying.carrier.begun(stream_id, _came.get())
    except Exception as error:  # noqa: BLE001  # a stream goes on without its trace
        tell(Fault.met("traces", error, Subject(stream_id)))
        return NO_TRACE


def fields_of(trace: Trace) -> dict[str, str | bytes]:
    """What the meta keeps."""
    pairs = ((PARENT, trace.parent), (STATE, trace.state))
    return {name: value for name, value in pairs if value}


def trace_of(meta: Mapping[str, bytes]) -> Trace:
    """What the meta has kept."""
    if PARENT not in meta:
        return NO_TRACE
    return Trace(meta[PARENT].decode("ascii", "replace"), meta.get(STATE, b"").decode("ascii", "replace"))
