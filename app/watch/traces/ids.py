"""The ids of spans and traces.

The rule: a trace that a stream begins by itself has the stream's own id, so that who knows the one finds the other, and
who comes upon a stream without its place in a trace (a front of before left it none) finds the same trace again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

_stream: ContextVar[str] = ContextVar("stream", default="")


class StreamIds(RandomIdGenerator):
    """Random ones, but for traces that are begun within `of_stream`."""

    @contextmanager
    def of_stream(self, stream_id: str) -> Iterator[None]:
        token = _stream.set(stream_id)
        try:
            yield
        finally:
            _stream.reset(token)

    def generate_trace_id(self) -> int:
        try:
            return int(_stream.get().removeprefix("st_"), 16) or super().generate_trace_id()
        except ValueError:
            return super().generate_trace_id()
