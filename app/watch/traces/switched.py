"""Whether this process sends traces, and what keeps it from that where it is asked to.

The rule: a process serves with or without them. What is not there, or cannot be used, is told once, and nothing of
OpenTelemetry's is loaded where no endpoint is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.environment import is_http
from app.settings import Settings
from app.stream.observing import Observer, tell
from app.watch.events.of_processes import TracesOff
from app.watch.traces.carried import carrying

SPOKEN = ("", "http/protobuf")


@contextmanager
def traced(settings: Settings, kind: str, name: str) -> Iterator[Observer | None]:
    """Who makes the spans of this process, within; None where none are sent."""
    if not settings.traces:
        yield None
        return
    if why := unusable(settings):
        tell(TracesOff(why))
        yield None
        return
    try:
        from app.watch.traces.provided import provided  # noqa: PLC0415  # see the module

        made = provided(kind, name)
    except ImportError:
        tell(TracesOff("OpenTelemetry is not installed here: pip install 'keepstream-server[otel]'"))
        yield None
        return
    except Exception as error:  # noqa: BLE001  # its own variables may be anything
        tell(TracesOff(f"OpenTelemetry does not take its variables ({type(error).__name__})"))
        yield None
        return
    try:
        with carrying(made.observer):
            yield made.observer
    finally:
        made.batches.leave()


def unusable(settings: Settings) -> str:
    """What of the settings keeps traces from being sent; empty where nothing does."""
    if settings.otel_exporter_otlp_protocol not in SPOKEN:
        return "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, the one that is spoken here"
    if not is_http(settings.otel_exporter_otlp_endpoint or ""):
        return "OTEL_EXPORTER_OTLP_ENDPOINT must be an http:// or https:// address"
    return ""
