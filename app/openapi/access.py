"""The description of how one comes in without a key in hand: tickets, and the session of the pages. Pure."""

from __future__ import annotations

from app.openapi.words import Json, answer, body, errors, json_content, operation, parameters, schema

TAG = "Access"
TAGS = [
    {"name": TAG, "description": "Hand out a ticket that opens one stream or conversation; open and close a session"}
]

# How a request says who sends it. The last one: where no keys are set up, none is needed.
SECURITY: list[Json] = [{"x-api-key": []}, {"bearer": []}, {"session": []}, {}]
# And where a ticket will do.
BY_TICKET: list[Json] = [*SECURITY[:-1], {"ticket": []}, {}]

SECURITY_SCHEMES: Json = {
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, or a JSON Web Token"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "keepstream",
        "description": "The pages' own; over https it is called `__Host-keepstream`",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "Opens this stream, or this conversation and its streams, and nothing else",
    },
}

SCHEMAS: Json = {
    "TicketRequest": {
        "type": ["object"],
        "properties": {
            "expires_in": {
                "type": ["number", "null"],
                "exclusiveMinimum": 0,
                "maximum": 10**9,
                "description": "Seconds; at most, and if left out, as long as the server lets a ticket live",
            }
        },
        "additionalProperties": False,
    },
    "Ticket": {
        "type": "object",
        "required": ["ticket", "expires_at", "events_url"],
        "properties": {
            "ticket": {"type": "string", "pattern": "^[A-Za-z0-9_-]{76}$"},
            "expires_at": {"type": "string", "format": "date-time"},
            "events_url": {"type": "string", "description": "A path that carries the ticket: for EventSource as it is"},
        },
    },
}


def paths() -> Json:
    return {
        "/v1/streams/{id}/ticket": {
            "post": _ticket("ticket", "stream-id", "Hand out a ticket that opens a stream", "`message`"),
        },
        "/v1/conversations/{id}/ticket": {
            "post": _ticket(
                "conversationTicket",
                "conversation-id",
                "Hand out a ticket that opens a conversation's events",
                "the streams in it, also those that begin later",
            ),
        },
        "/session": {
            "post": operation(
                "openSession",
                TAG,
                "Sign in: a cookie in place of the key or token that is sent",
                {"204": answer("The cookie is set", None, "set-cookie", "x-keepstream-owner"), **errors(400, 401, 415)},
                security=SECURITY[:2] + SECURITY[3:],
                description="`HttpOnly`, `SameSite=Strict`; it ends with its key or token, after 30 days at the most. "
                "With it alone anything but `GET` and `HEAD` needs the `Origin` of this server.",
            ),
            "delete": operation(
                "endSession",
                TAG,
                "Sign out: the session is forgotten here, and its cookie there",
                {"204": answer("There is none any more", None, "set-cookie"), **errors(415)},
                security=[],
            ),
        },
    }


def _ticket(name: str, of: str, summary: str, opens: str) -> Json:
    return operation(
        name,
        TAG,
        summary,
        {
            "201": answer("Whoever has it may read", json_content(schema("Ticket"))),
            **errors(400, 401, 404, 408, 410, 413, 415),
        },
        parameters=parameters(of),
        requestBody=body(schema("TicketRequest")) | {"required": False},
        description=f"Sent as `?ticket=`, it opens `events` and {opens}, and nothing else, until it ends.",
    )
