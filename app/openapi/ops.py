"""The description of what operators see: the board's snapshots, the streams on it, and the line in numbers. Pure."""

from __future__ import annotations

from app.openapi.words import Json, answer, errors, events, json_content, operation, parameters, schema
from app.stream.endings import Outcome

TAG = "Operators"
TAGS = [{"name": TAG, "description": "For who sits at the machine itself, or has a key with the right `admin`"}]

_COUNT: Json = {"type": "integer", "minimum": 0}
_NUMBER: Json = {"type": "number", "minimum": 0}
_TEXT: Json = {"type": "string"}
_HTML: Json = {"text/html; charset=utf-8": {"schema": {"type": "string"}}}
_QUEUE = ("waiting", "running", "capacity", "workers", "fronts")
_COUNTED = ("readers", "retries", "takeovers", "resets", "refused", "joined")
_CHARTS = (
    *("waiting", "running", "readers", "tokens_per_second", "ended", "failed"),
    *("first_content_p50", "first_content_p99", "retries", "takeovers"),
)


def _object(properties: Json, description: str = "") -> Json:
    said: Json = {"description": description} if description else {}
    return {"type": "object", "required": list(properties), "properties": properties, **said}


def _or_null(of: Json, description: str) -> Json:
    return {**of, "type": [of["type"], "null"], "description": description}


def _list(items: Json, description: str) -> Json:
    return {"type": "array", "items": items, "description": description}


_PROCESS: Json = {
    "name": _TEXT,
    "state": {
        "enum": ["live", "draining", "unsure", "silent", "gone"],
        "description": "`unsure`: Redis was away a moment ago; `silent`: connected, and says nothing; `gone`: it died",
    },
    "renewed_seconds": {**_NUMBER, "description": "How long ago it was heard last"},
    "draining": {"type": "boolean"},
    "version": _TEXT,
    "started_seconds": {**_NUMBER, "description": "How long ago it began"},
}
_OF_A_FRONT: Json = {
    "readers": _COUNT,
    "tails": {**_COUNT, "description": "Streams that are read there"},
    "lag_ms": _or_null(_NUMBER, "How late it hears what is published; where that is known"),
}
_ROW: Json = {
    "id": _TEXT,
    "owner": _TEXT,
    "state": {"enum": ["queued", "running", "waiting", "ended"]},
    "outcome": {"enum": [*(outcome.value for outcome in Outcome), None]},
    "model": _TEXT,
    "attempt": _COUNT,
    "age_seconds": _or_null(_NUMBER, "Since it was submitted"),
    "worker": _or_null(_TEXT, "Who holds it, or held it last where nobody has taken it over yet"),
    "ended_seconds": _or_null(_NUMBER, "Since it ended"),
}

SCHEMAS: Json = {
    "Queue": _object({"oldest_seconds": _NUMBER, **dict.fromkeys(_QUEUE, _COUNT)}),
    "Board": _object(
        {
            "time": _or_null(_NUMBER, "When it was so, by Redis' clock, in seconds since 1970"),
            "stale_seconds": {**_NUMBER, "description": "How old it is"},
            "front": {**_TEXT, "description": "Who says so"},
            "version": _TEXT,
            "queue": _object(
                {
                    "waiting": _or_null(_COUNT, "How many streams wait"),
                    "oldest_seconds": _or_null(_NUMBER, "For how long the oldest has waited"),
                    "held": _list(_TEXT, "Models whose calls the upstream's limits hold back"),
                }
            ),
            "streams": _object(
                {
                    "running": _or_null(_COUNT, "Under the lease of somebody who works"),
                    "capacity": _or_null(_COUNT, "How many could run"),
                    "adrift": _or_null(_COUNT, "Whose holder is gone or silent, and whom nobody has taken over yet"),
                    "ended": _object({outcome.value: _COUNT for outcome in Outcome}, "In the last 15 minutes"),
                }
            ),
            "workers": _list(_object({**_PROCESS, "streams": _COUNT, "capacity": _COUNT}), "Those that live, first"),
            "fronts": _list(_object({**_PROCESS, **_OF_A_FRONT}), "As workers"),
            "tokens_per_second": _or_null(_NUMBER, "Of output, about; of the last ten seconds"),
            **{
                name: _or_null(_NUMBER, "Seconds from the submit to the first content, in the last 15 minutes")
                for name in ("first_content_p50", "first_content_p99")
            },
            **{name: {**_COUNT, "description": "In the last 15 minutes, but for `readers`"} for name in _COUNTED},
            "redis": _object(
                {
                    "away": {"type": "boolean"},
                    "away_seconds": _or_null(_NUMBER, "For how long"),
                    "used_bytes": _COUNT,
                    "max_bytes": {**_COUNT, "description": "0 where there is no bound"},
                    "bytes_per_stream": _or_null(_COUNT, "What the last streams that ended take, about"),
                    "refused_writes": {**_COUNT, "description": "In the last 15 minutes"},
                    "version": _TEXT,
                }
            ),
            "spend_today_usd": _or_null(_NUMBER, "Of all owners, of the day of UTC"),
            "saved_usd_today": _or_null(_NUMBER, "By caches, likewise"),
            "charts": _object(
                {
                    "step_seconds": _COUNT,
                    "end": {**_COUNT, "description": "When the newest point's step was over"},
                    **{
                        name: _list({"type": ["number", "null"]}, "A point for each step, the oldest first")
                        for name in _CHARTS
                    },
                }
            ),
            "events": _list(
                _object({"at": _NUMBER, "kind": _TEXT, "name": _TEXT, "count": _COUNT}), "What was seen, newest first"
            ),
            "attention": _list(
                _object({"level": {"enum": ["now", "soon"]}, "about": _TEXT, "what": _TEXT, "do": _TEXT}),
                "What needs a person, the most urgent first",
            ),
        }
    ),
    "Listed": _object({"data": _list(_object(_ROW), "Some that run, that wait, and that have ended; 100 at most")}),
}


def paths() -> Json:
    return {
        "/v1/queue": {
            "get": operation(
                "queue",
                TAG,
                "The line in numbers",
                {"200": answer("As it stands now", json_content(schema("Queue"))), **errors(401)},
            )
        },
        "/ops": {
            "get": operation(
                "board-page",
                TAG,
                "The board, as a page",
                {
                    "200": answer(
                        "Who is refused is given it as well, to show a key, where HTML is accepted", _HTML, "etag"
                    ),
                    "304": answer("As it is known already", None, "etag"),
                    **errors(401, 403),
                },
                parameters=parameters("if-none-match"),
            )
        },
        "/ops/events": {
            "get": operation(
                "board",
                TAG,
                "The board, live",
                {
                    "200": answer(
                        "A snapshot now and each second, until the front drains",
                        events("Events without a name, each a whole snapshot", any=schema("Board")),
                    ),
                    **errors(401),
                },
            )
        },
        "/ops/streams": {
            "get": operation(
                "board-streams",
                TAG,
                "The streams on the board",
                {"200": answer("Without their texts", json_content(schema("Listed"))), **errors(401)},
            )
        },
        "/ops/streams/{id}/timeline": {
            "get": operation(
                "board-timeline",
                TAG,
                "What happened to a stream of any owner",
                {
                    "200": answer("From its submit to its ending, or to now", json_content(schema("Timeline"))),
                    **errors(401, 404, 410),
                },
                parameters=parameters("stream-id"),
            )
        },
        "/ops/streams/{id}/cancel": {
            "post": operation(
                "board-cancel",
                TAG,
                "Stop a stream of any owner",
                {
                    "202": answer("As its owner's cancelling", json_content(schema("Cancelled"))),
                    **errors(401, 404, 410, 415),
                },
                parameters=parameters("stream-id"),
            )
        },
    }
