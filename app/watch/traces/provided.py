"""What of OpenTelemetry's a process needs to send traces, made by its own variables and set going.

The rule: what those variables say of the sampler, the resource, the batches and the endpoint is OpenTelemetry's to
read. Its own log is kept quiet: it quotes what clients and servers sent. `sending` tells what is to be told.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from app.version import our_version
from app.watch.traces.ids import StreamIds
from app.watch.traces.observer import TracesObserver
from app.watch.traces.sending import Batches, Sender

_QUIET = ("opentelemetry", "urllib3", "requests")


@dataclass(frozen=True, slots=True)
class Provided:
    """`observer` is to be told what happens; `batches` are to leave at the end."""

    observer: TracesObserver
    batches: Batches


def provided(kind: str, name: str) -> Provided:
    """Raises what OpenTelemetry raises where its variables cannot be used."""
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    ids, resource = StreamIds(), _resource(kind, name)
    provider = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
    always = TracerProvider(resource=resource, sampler=ALWAYS_ON, shutdown_on_exit=False)
    batches = Batches(Sender())
    provider.add_span_processor(batches)
    always.add_span_processor(batches)
    trace.set_tracer_provider(provider)  # by which the SDK makes its own
    return Provided(TracesObserver(provider, always, ids), batches)


def _resource(kind: str, name: str) -> Resource:
    """Who sends, as far as its variables do not say it."""
    ours = {SERVICE_NAME: f"keepstream-{kind}", "service.instance.id": name, "service.version": our_version()}
    return Resource.create(ours).merge(OTELResourceDetector().detect())
