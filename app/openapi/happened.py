"""The description of a stream's timeline, with the shapes that only it has. Pure."""

from __future__ import annotations

from app.openapi.words import Json, answer, errors, json_content, operation, parameters, schema

TAG = "Streams"
TAGS: list[Json] = []

_TIME: Json = {"type": "string", "format": "date-time"}
_STATE: Json = {"enum": ["queued", "running", "waiting", "ended"]}

SCHEMAS: Json = {
    "Timeline": {
        "type": "object",
        "required": ["id", "state", "why", "data", "left_out"],
        "properties": {
            "id": {"type": "string", "pattern": "^st_[0-9a-f]{32}$"},
            "state": _STATE,
            "why": {"type": "string", "description": "Why it ended as it did, or what it waits for, in a line"},
            "data": {
                "type": "array",
                "maxItems": 200,
                "description": "What happened, in its order",
                "items": schema("TimelineEntry"),
            },
            "left_out": {
                "type": "integer",
                "minimum": 0,
                "description": "How many entries are left out where `timeline.left_out` stands",
            },
        },
    },
    "TimelineEntry": {
        "type": "object",
        "description": "Numbers and words of ours, never a text; what else an entry has depends on its event",
        "required": ["at", "event", "text"],
        "properties": {
            "at": {**_TIME, "description": "By Redis' clock"},
            "event": {"type": "string", "pattern": "^[a-z_.]+$", "description": "As the log calls it"},
            "text": {"type": "string", "description": "The same in plain words"},
            "attempt": {"type": "integer", "minimum": 0},
            "upstream_request_id": {"type": "string", "description": "The Claude API's id of the call"},
        },
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
}


def paths() -> Json:
    return {
        "/v1/streams/{id}/timeline": {
            "get": operation(
                "timeline",
                TAG,
                "What happened to a stream",
                {
                    "200": answer("From its submit to its ending, or to now", json_content(schema("Timeline"))),
                    **errors(401, 404, 410),
                },
                parameters=parameters("stream-id"),
                description="The owner's alone: no ticket opens it. Of more than 200 entries the first ones and the "
                "newest are kept, and readers are counted together.",
            )
        }
    }
