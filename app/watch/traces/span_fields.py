"""What a span says: the attributes that are made of each event.

Pure. The rule: OpenTelemetry's own names where it has them (those of GenAI), else `keepstream.`; ids, words of ours and
numbers, as the events have them.
"""

from __future__ import annotations

from typing import Any

from app.watch.events import of_fronts, of_streams
from app.watch.events.subjects import Subject

Fields = dict[str, Any]

MODEL = "gen_ai.request.model"


def _known(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value not in (None, "")}


def of(subject: Subject) -> Fields:
    return _known(
        {
            "keepstream.stream_id": subject.stream_id,
            "keepstream.owner": subject.owner,
            "keepstream.request_id": subject.request_id,
            "keepstream.client_request_id": subject.client_request_id,
        }
    )


def submitted(event: of_streams.Submitted) -> Fields:
    return {**of(event.of), MODEL: event.model, "keepstream.repeated": event.repeated}


def refused(event: of_streams.Refused) -> Fields:
    return {**of(event.of), MODEL: event.model}


def waited(event: of_streams.OfStream, what: str) -> Fields:
    """`what` it waited for: its `turn` in the line, the `gate`, a `retry` or a `restart`."""
    return {**of(event.of), "keepstream.wait.for": what}


def claimed_again(event: of_streams.Claimed) -> Fields:
    return {"keepstream.claims": event.times, "keepstream.from_gate": event.from_gate}


def taken_over(event: of_streams.TakenOver) -> Fields:
    return {"keepstream.taken_over.cause": event.cause, "keepstream.taken_over.content": event.content}


def call_started(event: of_streams.CallStarted) -> Fields:
    return {**of(event.of), MODEL: event.model, "keepstream.attempt": event.attempt}


def first_content(event: of_streams.FirstContent) -> Fields:
    return {
        "gen_ai.response.time_to_first_chunk": event.since_call_seconds,
        "keepstream.first_content.since_submit": event.since_submit_seconds,
        "keepstream.first_content.since_claim": event.since_claim_seconds,
    }


def silent(event: of_streams.Silent) -> Fields:
    return {"keepstream.silent_seconds": event.seconds}


def call_ended(event: of_streams.CallEnded) -> Fields:
    return _known(
        {
            "http.response.status_code": event.status or None,
            "keepstream.upstream_request_id": event.upstream_request_id,
        }
    )


def tool_ran(event: of_streams.ToolRan) -> Fields:
    return {
        **of(event.of),
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": event.tool,
        "keepstream.attempt": event.attempt,
    }


def ended(event: of_streams.Ended) -> Fields:
    """Input tokens are all of them, those that a cache had included: so OpenTelemetry counts."""
    caches = (event.cache_read_tokens, event.cache_write_tokens)
    whole = None if event.input_tokens is None else event.input_tokens + sum(count or 0 for count in caches)
    return _known(
        {
            **of(event.of),
            MODEL: event.model,
            "gen_ai.usage.input_tokens": whole,
            "gen_ai.usage.output_tokens": event.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": event.cache_read_tokens,
            "gen_ai.usage.cache_creation.input_tokens": event.cache_write_tokens,
            "keepstream.outcome": event.outcome,
            "keepstream.stop_reason": event.stop_reason,
            "keepstream.attempts": event.attempts,
            "keepstream.cost_usd": event.cost_usd,
            "keepstream.seconds": event.seconds,
        }
    )


def resumed(event: of_fronts.ReaderLeft | of_fronts.ReaderServed) -> Fields:
    reason = event.reason if isinstance(event, of_fronts.ReaderLeft) else "served"
    return {**of(event.of), "keepstream.face": event.face, "keepstream.reader.reason": reason}
