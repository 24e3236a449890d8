"""The description of where a reader of a Durable Stream stands: in headers, in parameters, and beside events. Pure."""

from __future__ import annotations

from typing import Any

EVENT_ID = "^[0-9]{9}-[0-9a-f]{8}$"
CURSOR: dict[str, Any] = {"type": "string", "pattern": "^[0-9]+$"}

HEADERS: dict[str, Any] = {
    "stream-next-offset": {"description": "Where to read on", "schema": {"type": "string", "pattern": EVENT_ID}},
    "stream-up-to-date": {
        "description": "Sent where nothing stands behind it now",
        "schema": {"type": "string", "const": "true"},
    },
    "stream-cursor": {
        "description": "To be sent with the next wait, so that caches put together those that wait for the same",
        "schema": CURSOR,
    },
    "stream-closed": {
        "description": "Sent where nothing ever will",
        "schema": {"type": "string", "const": "true"},
    },
}

PARAMETERS: dict[str, Any] = {
    "partial": {
        "name": "partial",
        "in": "query",
        "description": "`relay.partial` as well, beside the events: what the JSON of an answer says so far",
        "schema": {"const": "1"},
    },
    "offset": {
        "name": "offset",
        "in": "query",
        "description": "`stream-next-offset` of the answer before, `-1` for the beginning, or `now` for the end",
        "schema": {"type": "string", "default": "-1", "examples": ["-1", "now", "000000412-9f3a1c22"]},
    },
    "live": {
        "name": "live",
        "in": "query",
        "description": "Wait for what comes next, or be told all that comes; then `offset` must be sent",
        "schema": {"enum": ["long-poll", "sse"]},
    },
    "cursor": {
        "name": "cursor",
        "in": "query",
        "description": "`stream-cursor` of the answer before",
        "schema": CURSOR,
    },
}

SCHEMAS: dict[str, Any] = {
    "Control": {
        "type": "object",
        "description": "Where a reader of a Durable Stream stands after the data before it",
        "required": ["streamNextOffset"],
        "properties": {
            "streamNextOffset": {"type": "string"},
            "streamCursor": {"type": "string"},
            "upToDate": {"const": True},
            "streamClosed": {"const": True},
        },
    },
}
