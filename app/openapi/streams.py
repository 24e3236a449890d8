"""The description of `/v1/streams`. Pure."""

from __future__ import annotations

from app.intake.relay import WAIT_SECONDS_MAX
from app.openapi.access import BY_TICKET
from app.openapi.shapes import calls, offsets
from app.openapi.words import RATES, Json, answer, body, errors, events, json_content, operation, parameters, schema
from app.stream.opinions.opinions import NOTE_CHARACTERS

TAG = "Streams"
TAGS = [{"name": TAG, "description": "Submit a prompt, read its events from any place, look, cancel"}]

LOG = """\
For clients of [Durable Streams](https://github.com/durable-streams/durable-streams): one message an event, which is the
event's data; the relay's own say in `type` what the event is called. A reader begins with the newest attempt. An offset
is an event's id. `HEAD` tells the end, and whether the stream is closed."""
CONTROLLED = """\
Each event of data is an array of messages, and behind it stands one of control. It ends after a minute, when the front
drains, and for good with `streamClosed`."""


EVENTS = """\
The log's frames: the Claude API's own events and those of the relay, each with an id. It begins with `retry: 1000`, has
`: ping` after 15 s of silence, ends only after `relay.end` or when the front drains, and never has an event named
`error`. Passing trouble is 200, a `retry:` and the end."""

_RATING: Json = {"enum": [1, -1], "description": "1 is good, -1 is not"}
_NOTE: Json = {"maxLength": NOTE_CHARACTERS, "description": "In words"}
SCHEMAS: Json = {
    **calls.SHAPES,
    "Feedback": {
        "type": "object",
        "description": "What somebody thinks of an answer",
        "required": ["rating"],
        "properties": {"rating": _RATING, "note": {"type": "string", **_NOTE}},
    },
}
_GIVEN: Json = {
    "type": "object",
    "required": ["rating", "note"],
    "properties": {"rating": _RATING, "note": {"type": ["string", "null"], **_NOTE}},
}

# Where a reader of a Durable Stream stands.
WHERE = tuple(offsets.HEADERS)

_WAIT: Json = {
    "name": "wait",
    "in": "query",
    "description": "Seconds to wait for the ending: 200 with the stream if it comes in time, else 202",
    "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": WAIT_SECONDS_MAX},
}

_LINKS = {
    "links": {
        name: {"operationId": name, "parameters": {"id": "$response.body#/id"}}
        for name in ("show", "events", "message", "cancel")
    }
}


def paths() -> Json:
    found = parameters("stream-id")
    return {
        "/v1/streams": {
            "post": operation(
                "submit",
                TAG,
                "Submit a prompt",
                {
                    "200": answer(
                        "With `wait`, and in time: the stream, as a look at it tells it",
                        json_content(schema("Stream")),
                        "location",
                        *RATES,
                        "x-keepstream-cost-usd",
                        "server-timing",
                    ),
                    "202": answer(
                        "Accepted: it reaches exactly one ending",
                        json_content(schema("Accepted")),
                        "location",
                        *RATES,
                        "x-keepstream-cost-usd",
                        "server-timing",
                    ),
                    **errors(400, 401, 402, 408, 413, 415, 422),
                },
                parameters=[*parameters("idempotency-key", "anthropic-version", "anthropic-beta"), _WAIT],
                requestBody=body(schema("StreamRequest")),
            )
        },
        "/v1/tools": {
            "get": operation(
                "tools",
                TAG,
                "Which tools a stream may ask for",
                {
                    "200": answer(
                        "What workers offer the caller, by name: these names `relay.tools` may have",
                        json_content(schema("Tools")),
                    ),
                    **errors(401),
                },
            )
        },
        "/v1/streams/{id}": {
            "get": operation(
                "show",
                TAG,
                "Look at a stream",
                {"200": answer("As it is now", json_content(schema("Stream"))), **errors(401, 404, 410)},
                parameters=found,
                security=BY_TICKET,
            )
        },
        "/v1/streams/{id}/events": {
            "get": operation(
                "events",
                TAG,
                "Read the events of a stream",
                {
                    "200": answer(
                        "Everything of the newest attempt, or what follows the given event; live, until the ending",
                        events(
                            EVENTS,
                            **{
                                "any": schema("UpstreamEvent"),
                                "relay.status": schema("RelayStatus"),
                                "relay.partial": schema("RelayPartial"),
                                "relay.retry": schema("RelayRetry"),
                                "relay.reset": schema("RelayReset"),
                                "relay.tool": schema("RelayTool"),
                                "relay.approval": schema("RelayApproval"),
                                "relay.end": schema("RelayEnd"),
                            },
                        ),
                    ),
                    "204": answer("The stream has ended, and the given event is its last: do not come back"),
                    **errors(400, 401, 404, 410),
                },
                parameters=[*found, *parameters("last-event-id", "after", "lastEventId", "last_event_id", "partial")],
                security=BY_TICKET,
            )
        },
        "/v1/streams/{id}/log": {
            "get": operation(
                "log",
                TAG,
                "Read a stream as a Durable Stream",
                {
                    "200": answer(
                        "Messages from the offset on, as far as one answer goes; or as events, with live=sse",
                        json_content({"type": "array", "items": {}})
                        | events(CONTROLLED, data={"type": "array"}, control=schema("Control")),
                        *WHERE,
                        "etag",
                    ),
                    "204": answer("Nothing came while it was waited, or nothing ever will", None, *WHERE, "etag"),
                    "304": answer("As it is known already", None, *WHERE, "etag"),
                    **errors(400, 401, 404, 410),
                },
                parameters=[*found, *parameters("offset", "live", "cursor", "if-none-match")],
                security=BY_TICKET,
                description=LOG,
            )
        },
        "/v1/streams/{id}/message": {
            "get": operation(
                "message",
                TAG,
                "The finished Message",
                {
                    "200": answer("Confirmed text only", json_content(schema("Message"))),
                    **errors(400, 401, 402, 403, 404, 408, 409, 410, 413, 422, 429, 502, 504, 529),
                },
                parameters=found,
                security=BY_TICKET,
                description="409 while it runs; the stream's own error where there is no Message.",
            )
        },
        "/v1/streams/{id}/tool_results": {
            "post": operation(
                "tool_results",
                TAG,
                "Go on with what the client's own tools brought",
                {
                    "202": answer(
                        "Accepted: a new stream goes on with the conversation",
                        json_content(schema("Accepted")),
                        "location",
                        *RATES,
                        "x-keepstream-cost-usd",
                        "server-timing",
                    ),
                    **errors(400, 401, 402, 404, 408, 409, 410, 413, 415, 422),
                },
                parameters=[*found, *parameters("idempotency-key", "anthropic-version", "anthropic-beta")],
                requestBody=body(schema("ToolResults")),
                description="Of a stream that ended with `tool_use`; else 409, as where others were given before. "
                "The same ones again are the same stream, unless an Idempotency-Key says otherwise.",
            )
        },
        "/v1/streams/{id}/tools/{tool_use_id}": {
            "post": operation(
                "approve",
                TAG,
                "Say whether a tool may be called",
                {
                    "202": answer("It stands, and the stream goes on", json_content(schema("Cancelled"))),
                    **errors(400, 401, 404, 408, 409, 410, 413, 415),
                },
                parameters=[*found, calls.CALL],
                requestBody=body(schema("Approval")),
                description="Of a call that a `relay.approval` has told. The first word counts: the same again is 202, "
                "another is 409, as is any for a stream that has ended or is cancelled.",
            )
        },
        "/v1/streams/{id}/feedback": {
            "post": operation(
                "feedback",
                TAG,
                "Say what an answer is worth",
                {
                    "200": answer("As it stands now", json_content(_GIVEN)),
                    **errors(400, 401, 404, 408, 409, 410, 413, 415),
                },
                parameters=found,
                requestBody=body({**_GIVEN, "required": ["rating"], "additionalProperties": False}),
                description="A later one takes the place of the one before, and the same again changes nothing. 409 "
                "while the stream runs, and where its answer was rated too often. Also when the stream itself is gone, "
                "for as long as the conversation is kept that its answer stands in.",
            )
        },
        "/v1/streams/{id}/cancel": {
            "post": operation(
                "cancel",
                TAG,
                "Cancel a stream",
                {
                    "202": answer(
                        "The upstream call is closed; ends as `cancelled` unless it had ended",
                        json_content(schema("Cancelled")),
                    ),
                    **errors(401, 404, 410),
                },
                parameters=found,
            )
        },
    }
