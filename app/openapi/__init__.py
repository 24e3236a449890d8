"""The description of the HTTP interface: OpenAPI 3.1, put together from one piece for each group of routes.

Pure, and by hand: it says what is promised, and tests compare it with the routes and with a running front. Whoever adds
a route adds its description to the piece of its group, or a piece of its own to `PIECES`. Knows no settings.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from app.openapi import access, chat, conversations, happened, messages, ops, schemas, service, streams, used
from app.openapi.shapes import offsets, tools
from app.openapi.words import ERROR_RESPONSES, HEADERS, PARAMETERS

PIECES = (streams, happened, conversations, messages, chat, access, used, ops, service)
SHAPES = (schemas, streams, tools, offsets, happened, conversations, access, used, ops)

DESCRIPTION = """\
A self-hosted relay for Claude streams. A prompt is queued, a worker runs it against the Claude API, every event goes
to a durable log, and any number of clients read it as Server-Sent Events, leave, come back, and go on from where they
were.

A key, or a token (JWT) where the server takes any, is sent as `x-api-key` or as `Authorization: Bearer`. With the right
`delegate` it may act for a user, whom `x-keepstream-user` names with 1 to 64 printable ASCII characters and no `/`:
what is submitted then is that user's alone. A malformed name is 400, one without the right 403.

Errors have the shape of the Claude API: `{"type":"error","error":{"type","message"},"request_id"}`. Every answer has
`request-id`. `HEAD` works wherever `GET` does. Pages of the origins in `KEEPSTREAM_CORS_ORIGINS` may call everything.
Where traces are sent, whatever submits may come with `traceparent` and `tracestate`, and its stream goes on in that
trace.
"""
CREDENTIAL = "A key (`ks_…`), or a token (JWT)"


@cache
def document(root_path: str = "") -> bytes:
    """The description as JSON, of a front that a proxy shows under this path."""
    return orjson.dumps(describe(root_path))


def describe(root_path: str = "") -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Keepstream",
            "version": "0.1.0",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": root_path or "/"}],
        "tags": [tag for piece in PIECES for tag in piece.TAGS],
        "security": access.SECURITY,
        "paths": {path: item for piece in PIECES for path, item in piece.paths().items()},
        "components": {
            "schemas": {name: shape for piece in SHAPES for name, shape in piece.SCHEMAS.items()},
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": ERROR_RESPONSES,
            "securitySchemes": access.SECURITY_SCHEMES,
        },
    }
