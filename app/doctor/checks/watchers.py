"""Who is told of what happens: where the traces go."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from urllib.parse import urlsplit

from app.doctor.finding import Finding, ok, warning
from app.doctor.patient import Patient
from app.watch.traces.switched import unusable

EXPORTER = "opentelemetry.exporter.otlp"
REACH_SECONDS = 3.0


async def traces(patient: Patient) -> list[Finding]:
    of = patient.settings
    if not of.traces:
        return [ok("none are sent")]
    if why := unusable(of):
        return [warning(why, "until then no trace is sent")]
    if not _installed():
        return [
            warning("OpenTelemetry is not installed here: no trace is sent", "pip install 'keepstream-server[otel]'")
        ]
    parts = urlsplit(of.otel_exporter_otlp_endpoint or "")
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return [
            warning(
                f"{host}:{port} cannot be reached ({type(error).__name__}): traces are lost",
                "look at OTEL_EXPORTER_OTLP_ENDPOINT, and whether the collector runs",
            )
        ]
    writer.close()
    return [ok(f"go to {host}:{port}")]


def _installed() -> bool:
    try:
        return find_spec(EXPORTER) is not None
    except ImportError:
        return False
