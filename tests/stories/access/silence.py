"""What may be told of all that happens: each field of a log's line, label of a metric and attribute of a span by its
name, and what its values look like. Nothing else may be there.

The rule: who tells something new says here what it can be. A pattern is as narrow as what it is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from app.watch.logs.foreign import SAID
from app.watch.logs.opening import LOST
from app.watch.metrics.table import PREFIX
from app.watch.observers import FAILED
from tests.app.watch.logs.test_lines import CASES, LINES
from tests.app.watch.vocabulary import example
from tests.harness.network.otlp import Seen

# A name that looks like one, of ours or of somebody else's; and what is none of those.
WORD = r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,99}"
ID = r"(st|cv)_[0-9a-f]{32}"
CLASS, PLACE = r"[A-Za-z_][A-Za-z0-9_.]*", r"([\w<>.]+ \([\w./-]+:\d+\)|an unknown place)"
# Words of ours, of Redis or of the system, about settings, files and addresses.
TEXT = r"[ -~]{1,300}…?"
NUMBER = r"-?[0-9][0-9.e-]*"
TRUTH = r"true|false"
_NAMES = {LINES[kind].name_of(event) for kind in LINES for event in [example(kind)]}
EVENTS = "|".join(sorted(re.escape(name) for name in _NAMES | {name for _, name, _ in CASES} | {SAID, LOST, FAILED}))

ALWAYS = {
    "ts": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "level": "debug|info|warning|error",
    "event": EVENTS,
    "process": r"(front-)?[\w.-]+[:-]\d+[:-][0-9a-f]{6,8}",
}
WHOSE = {
    "stream_id": ID,
    "owner": r"[^\x00-\x1f\x7f/]{1,255}(/[^\x00-\x1f\x7f]{1,255})?",
    "request_id": r"req_[0-9a-f]{24}",
    "client_request_id": r"[ -~]{1,128}",
}
FIELDS = {
    **(ALWAYS | WHOSE),
    **dict.fromkeys(("model", "reason", "cause", "by", "face", "stop_reason", "upstream_request_id", "tool"), WORD),
    "outcome": "completed|truncated|refused|failed|cancelled|expired|taken|unreadable|malformed",
    "error_type": "[a-z_]+|other",
    "delivery": "progressive|final",
    "method": "[A-Z]+|other",
    "route": r"/[a-z0-9_{}/:.-]*",
    "error": CLASS,
    "place": PLACE,
    "hint": TEXT,
    "why": TEXT,
    "words": TEXT,
    **dict.fromkeys(
        ("asker", "kind", "code", "task", "doing", "logger", "observer", "name", "what"), r"[\w .:-]{1,100}"
    ),
    "text": TEXT,
    "host": r"[\w.:-]+",
    "address": r"[\w.:/\[\]-]+",
    "worker": r"[\w.-]+:\d+:[0-9a-f]{8}",
    **dict.fromkeys(
        ("repeated", "from_gate", "content", "parked", "resumed", "last", "failed", "still", "taken", "noted"), TRUTH
    ),
    **dict.fromkeys(
        ("attempt", "attempts", "status", "times", "readers", "streams", "rounds", "keys", "owners", "rating"), NUMBER
    ),
    **dict.fromkeys(("connections", "wanted", "lines", "spans", "port", "output_bytes", "tokens_per_second"), NUMBER),
    **dict.fromkeys(("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_usd"), NUMBER),
    **dict.fromkeys(("seconds", "wait_seconds", "waited_seconds", "first_content_seconds", "writing_seconds"), NUMBER),
    **dict.fromkeys(("held_seconds", "since_submit_seconds", "since_claim_seconds", "since_call_seconds"), NUMBER),
}
LABELS = {
    "kind": f"{WORD}|refuses for now",  # of what Redis refuses
    **dict.fromkeys(("face", "reason", "cause", "source", "outcome", "stop_reason", "script", "limit"), WORD),
    **dict.fromkeys(("model", "since", "task", "channel"), WORD),
    "delivery": "progressive|final|other|none",
    "rating": "1|-1|other|none",
    "status": r"\d{3}|other|none|[a-z_]+",
    "route": r"/[a-z0-9_{}/:.-]*|other|none",
    "le": r"[0-9.e+-]+|\+Inf",
    "version": r"[0-9a-z.+]+",
}
ATTRIBUTES = {
    **{f"keepstream.{name}": pattern for name, pattern in WHOSE.items()},
    **dict.fromkeys(("gen_ai.request.model", "keepstream.upstream_request_id", "anthropic.request.id"), WORD),
    **dict.fromkeys(
        ("gen_ai.tool.name", "keepstream.stop_reason", "keepstream.reader.reason", "keepstream.face"), WORD
    ),
    **dict.fromkeys(("keepstream.taken_over.cause", "keepstream.wait.for", "keepstream.outcome", "error.type"), WORD),
    **dict.fromkeys(("gen_ai.operation.name", "gen_ai.provider.name", "http.request.method", "server.address"), WORD),
    **dict.fromkeys(("keepstream.repeated", "keepstream.from_gate", "keepstream.taken_over.content"), TRUTH),
    "gen_ai.request.stream": TRUTH,
    **dict.fromkeys(("keepstream.attempt", "keepstream.attempts", "keepstream.claims", "keepstream.cost_usd"), NUMBER),
    **dict.fromkeys(("keepstream.seconds", "keepstream.silent_seconds", "server.port"), NUMBER),
    **dict.fromkeys(("keepstream.first_content.since_submit", "keepstream.first_content.since_claim"), NUMBER),
    **dict.fromkeys(("gen_ai.response.time_to_first_chunk", "http.response.status_code"), NUMBER),
    **dict.fromkeys(("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"), NUMBER),
    **dict.fromkeys(("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"), NUMBER),
}


def amiss(found: Mapping[str, Any], allowed: Mapping[str, str]) -> Iterator[str]:
    """What of it may not be there, or does not look as it may."""
    for name, value in found.items():
        text = value if isinstance(value, str) else json.dumps(value)
        if name not in allowed:
            yield f"{name} is no field that may be told"
        elif not re.fullmatch(allowed[name], text):
            yield f"{name} is {text!r}"


def amiss_in_log(log: bytes) -> Iterator[str]:
    for line in log.splitlines():
        if not re.fullmatch(rb"\{[ -~]*\}", line):
            yield f"no line of ours: {line!r}"
            continue
        found = json.loads(line)
        yield from (f"{what} in {line!r}" for what in amiss(found, FIELDS))
        yield from (f"no {name} in {line!r}" for name in ALWAYS if name not in found)


def amiss_in_metrics(page: str) -> Iterator[str]:
    for family in text_string_to_metric_families(page):
        if not family.name.startswith((PREFIX, "process_")):
            yield f"{family.name} is no metric of ours"
        for sample in family.samples:
            yield from (f"{what} of {sample.name}" for what in amiss(sample.labels, LABELS))


def amiss_in_spans(spans: Iterable[Seen]) -> Iterator[str]:
    for span in spans:
        if not re.fullmatch(r"[\w. -]{1,40}", span.name) or not all(
            re.fullmatch(r"[\w. -]+", one) for one in span.events
        ):
            yield f"{span.name} {span.events} are no words of ours"
        yield from (f"{what} of {span.name}" for what in amiss(span.attributes, ATTRIBUTES))
