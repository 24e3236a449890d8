"""What all pieces of the description are made of: references, headers, parameters, and the errors.

Pure. The rule: a thing that two operations share is described once, here, and referred to.
"""

from __future__ import annotations

from typing import Any

from app.http import remaining
from app.openapi.shapes import offsets

Json = dict[str, Any]

EVENT_ID = offsets.EVENT_ID
STREAM_ID = "^st_[0-9a-f]{32}$"
CONVERSATION_ID = "^cv_[0-9a-f]{32}$"

# How an owner's buckets stand: on each answer to a submit.
RATES = remaining.HEADERS

_WHY = {
    400: "The request is wrong; the message says what to change",
    401: "The key or token is missing, not known here, or over",
    402: "A budget has no room for it, and the message says when it begins anew; or the Claude API asks for money",
    403: "The owner's limits, the key or the Claude API do not allow it, or the page or the name that asks is not ours",
    404: "There is no such thing, or it is another owner's",
    408: "The body did not arrive in time",
    409: "Not now: the message says what has to happen first",
    410: "It was there once, and is no longer kept",
    413: "The body, or a file in it, is too large",
    415: "The body is not said to be JSON",
    422: "The Idempotency-Key was used with another body",
    429: "A rate or a number of the owner's, of this address or of the upstream's is reached, or too many wait",
    500: "The upstream failed, or the relay did",
    502: "The Claude API cannot be reached",
    503: "Redis cannot be reached, or this front is draining or full; try again",
    504: "The Claude API did not answer in time",
    529: "The Claude API is overloaded",
}
_LIMITED = (402, 429)
_RETRY = (429, 500, 502, 503, 504, 529)


def ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def schema(name: str) -> Json:
    return ref("schemas", name)


def thing(properties: Json, required: list[str], **more: Any) -> Json:
    """An object that has these."""
    return {"type": "object", "required": required, "properties": properties, **more}


def json_content(content: Json) -> Json:
    return {"application/json": {"schema": content}}


_RATE = {
    "limit": "How many a minute the owner may have; where there is no limit, this is not sent",
    "remaining": "How many are left now",
    "reset": "When all are there again (RFC 3339)",
}

HEADERS: Json = {
    "request-id": {
        "description": "Names this answer; say it when you ask for help",
        "schema": {"type": "string", "minLength": 1},
    },
    "retry-after": {"description": "Seconds to wait", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "x-should-retry": {
        "description": "`false` where trying again would only repeat what was tried already",
        "schema": {"type": "string", "enum": ["true", "false"]},
    },
    **{name: {"description": _RATE[name.rpartition("-")[2]], "schema": {"type": "string"}} for name in RATES},
    "x-keepstream-cost-usd": {
        "description": "What the stream did cost, where that is known by then",
        "schema": {"type": "string", "pattern": "^[0-9.]+$"},
    },
    "server-timing": {
        "description": "How long it waited in the queue, to its first content, and for the upstream; where known",
        "schema": {"type": "string"},
    },
    "x-keepstream-id": {
        "description": "The stream that answers, to be read again at its own address",
        "schema": {"type": "string", "pattern": STREAM_ID},
    },
    "x-resumable-stream-id": {
        "description": "The same, by the name that assistant-ui looks for: it resumes by this id",
        "schema": {"type": "string", "pattern": STREAM_ID},
    },
    "location": {"description": "The stream's address", "schema": {"type": "string", "pattern": "^/v1/streams/st_"}},
    "location-of-conversation": {
        "description": "The conversation's address",
        "schema": {"type": "string", "pattern": "^/v1/conversations/cv_"},
    },
    "x-keepstream-simulated": {
        "description": "`1` where it is the simulated Claude that answered",
        "schema": {"type": "string", "const": "1"},
    },
    "content-disposition": {"description": "A name for the file", "schema": {"type": "string"}},
    "etag": {"description": "Names this version", "schema": {"type": "string"}},
    **offsets.HEADERS,
    "x-keepstream-owner": {
        "description": "A digest of whose session it is: the same for the same owner",
        "schema": {"type": "string"},
    },
    "set-cookie": {"description": "The session's cookie", "schema": {"type": "string"}},
}

PARAMETERS: Json = {
    "stream-id": {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The stream's id",
        # What is not of this form is 404 like every other unknown id.
        "schema": {"type": "string", "examples": ["st_0123456789abcdef0123456789abcdef"]},
    },
    "conversation-id": {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The conversation's id",
        "schema": {"type": "string", "examples": ["cv_0123456789abcdef0123456789abcdef"]},
    },
    "limit": {
        "name": "limit",
        "in": "query",
        "description": "How many to list",
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    },
    "query": {
        "name": "query",
        "in": "query",
        "description": "What is looked for, in titles and messages",
        "schema": {"type": "string", "maxLength": 200},
    },
    "before": {
        "name": "before",
        "in": "query",
        "description": "`last_id` of the page before",
        "schema": {"type": "string", "minLength": 1},
    },
    "format": {
        "name": "format",
        "in": "query",
        "description": "What it is exported as",
        "schema": {"enum": ["json", "markdown"], "default": "json"},
    },
    "page": {
        "name": "page",
        "in": "path",
        "required": True,
        "description": "The page's name, with `.md` behind it for its Markdown",
        "schema": {"type": "string", "examples": ["start", "words.md"]},
    },
    "chat-id": {
        "name": "chat_id",
        "in": "path",
        "required": True,
        "description": "The chat's id: any characters, URL-encoded",
        "schema": {"type": "string", "minLength": 1, "maxLength": 1024},
    },
    "unseen": {
        "name": "unseen",
        "in": "query",
        "description": "Also show an answer that has ended, until a client is known to have heard its ending",
        "schema": {"type": "string"},
    },
    "bare": {
        "name": "bare",
        "in": "query",
        "description": "Without what the message had before this stream, for a client that has it",
        "schema": {"type": "string"},
    },
    "only-stream": {
        "name": "stream",
        "in": "query",
        "description": "Stop only this stream: 204 where the chat has gone on to another",
        "schema": {"type": "string"},
    },
    "idempotency-key": {
        "name": "idempotency-key",
        "in": "header",
        "description": "The same owner, key and body give the same stream, however often it is sent",
        "schema": {"type": "string", "maxLength": 255},
    },
    "last-event-id": {
        "name": "last-event-id",
        "in": "header",
        "description": "Go on after the event with this id. It wins over `after`",
        "schema": {"type": "string", "pattern": EVENT_ID},
    },
    "after": {
        "name": "after",
        "in": "query",
        "description": "As Last-Event-ID, for a first connection that cannot send headers",
        "schema": {"type": "string", "pattern": EVENT_ID},
    },
    **{
        name: {
            "name": name,
            "in": "query",
            "description": "As `after`: what stands in for EventSource sends it",
            "schema": {"type": "string", "pattern": EVENT_ID},
        }
        for name in ("lastEventId", "last_event_id")
    },
    **offsets.PARAMETERS,
    "anthropic-version": {
        "name": "anthropic-version",
        "in": "header",
        "description": "Goes up to the Claude API as it is",
        "schema": {"type": "string"},
    },
    "anthropic-beta": {
        "name": "anthropic-beta",
        "in": "header",
        "description": "Goes up to the Claude API as it is",
        "schema": {"type": "string"},
    },
    "if-none-match": {
        "name": "if-none-match",
        "in": "header",
        "description": "The etags that are known already",
        "schema": {"type": "string"},
    },
}


def _headers_of(status: int) -> tuple[str, ...]:
    retry = ("retry-after", "x-should-retry") if status in _RETRY else ()
    return ("request-id", *retry, *(RATES if status in _LIMITED else ()))


ERROR_RESPONSES: Json = {
    f"error-{status}": {
        "description": why,
        "headers": {name: ref("headers", name) for name in _headers_of(status)},
        "content": json_content(schema("Error")),
    }
    for status, why in _WHY.items()
}


def parameters(*names: str) -> list[Json]:
    return [ref("parameters", name) for name in names]


def errors(*statuses: int) -> Json:
    """The responses of these statuses; every operation may also be answered with 403, 429, 500 and 503."""
    return {str(status): ref("responses", f"error-{status}") for status in sorted({*statuses, 403, 429, 500, 503})}


def answer(description: str, content: Json | None = None, *headers: str) -> Json:
    """A response that is no error; `content` by media type."""
    found: Json = {
        "description": description,
        "headers": {name: ref("headers", name) for name in ("request-id", *headers)},
    }
    return found | ({"content": content} if content else {})


def body(content: Json) -> Json:
    return {"required": True, "content": json_content(content)}


def events(description: str, **data: Json) -> Json:
    """The content of an answer of Server-Sent Events, each of one of these names, with the schema of its data.

    `any` stands for every other name, and for none.
    """
    kinds = [_event(name, of, sorted(set(data) - {"any"})) for name, of in data.items()]
    return {"text/event-stream": {"schema": {"description": description, "anyOf": kinds}}}


def _event(name: str, data: Json, names: list[str]) -> Json:
    event: Json = {"const": name} if name != "any" else {"type": "string", "not": {"enum": names}}
    return {
        "type": "object",
        "title": name,
        "required": ["data"] if name == "any" else ["event", "data"],
        "properties": {
            "event": event,
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": data},
            "id": {"type": "string", "pattern": EVENT_ID},
        },
    }


def operation(name: str, tag: str, summary: str, responses: Json, **more: Any) -> Json:
    """One operation; `name` is its operationId."""
    return {"operationId": name, "tags": [tag], "summary": summary, "responses": responses, **more}
