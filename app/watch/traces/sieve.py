"""What of a span may leave this process: ours as they are, of the SDK's what is listed here, and nobody else's.

The rule: a list of what goes and not of what stays, for a library may begin to say more in any version of it. What
somebody else chose (a kind of error, a beta) goes through `word`, events and words of an exception never go.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

from app.watch.events.subjects import word
from app.watch.traces.observer import SCOPE

SDK_SCOPE = "com.anthropic.sdk.python"
_SDK_ATTRIBUTES = frozenset(
    {
        "anthropic.request.id",
        "error.type",
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.request.stream",
        "http.request.method",
        "http.response.status_code",
        "server.address",
        "server.port",
    }
)


def passed(spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    return [kept for span in spans if (kept := _kept(span)) is not None]


def _kept(span: ReadableSpan) -> ReadableSpan | None:
    scope = span.instrumentation_scope.name if span.instrumentation_scope is not None else ""
    if scope == SCOPE:
        return span
    if scope != SDK_SCOPE:
        return None
    attributes = {name: _told(value) for name, value in (span.attributes or {}).items() if name in _SDK_ATTRIBUTES}
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _told(value: AttributeValue) -> AttributeValue:
    return word(value) if isinstance(value, str) else value
