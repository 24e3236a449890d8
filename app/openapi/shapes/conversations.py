"""What goes to `/v1/conversations` and comes from there. Pure."""

from __future__ import annotations

from app.openapi.words import CONVERSATION_ID, EVENT_ID, STREAM_ID, Json, schema, thing
from app.stream.endings import Outcome

_TEXT: Json = {"type": "string"}
_TEXT_OR_NULL: Json = {"type": ["string", "null"]}
_TIME: Json = {"type": "string", "format": "date-time"}
_STREAM: Json = {"type": "string", "pattern": STREAM_ID}
_STREAM_OR_NULL: Json = {"type": ["string", "null"], "pattern": STREAM_ID}
_BLOCKS: Json = {"type": "array", "items": {"type": "object"}}
_ENDING: Json = {
    "outcome": {"enum": list(Outcome)},
    "stop_reason": _TEXT_OR_NULL,
    "usage": {"type": ["object", "null"]},
    "cost_usd": {"type": ["number", "null"]},
    "saved_usd": {"type": "number", "description": "What caches saved, where they saved anything"},
    "timing": {
        "type": "object",
        "description": "Milliseconds from the submit to the first content of the answer, and to its ending",
        "required": ["first_token_ms", "total_ms"],
        "properties": {name: {"type": ["integer", "null"], "minimum": 0} for name in ("first_token_ms", "total_ms")},
    },
    "error": schema("ErrorDetail"),
    "feedback": schema("Feedback"),
}
_DESCRIBED: Json = {
    "title": {"type": ["string", "null"], "maxLength": 200},
    "system": {"type": ["string", "null"], "maxLength": 100_000},
    "model": {"type": ["string", "null"], "maxLength": 256},
}
_CONVERSATION: Json = {
    "id": {"type": "string", "pattern": CONVERSATION_ID},
    **_DESCRIBED,
    "created_at": _TIME,
    "updated_at": _TIME,
    "forked_from": {
        "type": "object",
        "required": ["id", "at"],
        "properties": {"id": {"type": "string", "pattern": CONVERSATION_ID}, "at": _TEXT},
    },
}
_MATCH: Json = thing(
    {"message_id": {**_TEXT_OR_NULL, "description": "null for the title"}, "text": _TEXT},
    ["message_id", "text"],
    description="Where a search found it, and what stands around it",
)
_NAMED = ["id", "title", "system", "model", "created_at", "updated_at"]

SHAPES: Json = {
    "ConversationRequest": {"type": "object", "properties": _DESCRIBED, "additionalProperties": False},
    "Conversation": thing(_CONVERSATION, _NAMED),
    "ConversationPage": thing(
        {
            "data": {
                "type": "array",
                "items": thing(_CONVERSATION | {"stream_id": _STREAM_OR_NULL, "match": _MATCH}, [*_NAMED, "stream_id"]),
            },
            "has_more": {"type": "boolean"},
            "last_id": {"type": ["string", "null"], "pattern": CONVERSATION_ID},
        },
        ["data", "has_more", "last_id"],
    ),
    "WholeConversation": thing(
        _CONVERSATION
        | {
            "offset": {"type": "string", "pattern": EVENT_ID, "description": "The id of the newest event"},
            "stream_id": _STREAM_OR_NULL,
            "answer_id": {
                "type": ["string", "null"],
                "description": "The id that the running stream's answer will have",
            },
            "messages": {"type": "array", "items": schema("KeptMessage")},
        },
        [*_NAMED, "offset", "stream_id", "answer_id", "messages"],
    ),
    "KeptMessage": thing(
        {
            "id": _TEXT,
            "role": {"enum": ["user", "assistant"]},
            "content": {
                **_BLOCKS,
                "type": ["array", "null"],
                "description": "null only in an event, where it is large",
            },
            "steps": {
                "type": "array",
                "items": thing({"role": {"enum": ["user", "assistant"]}, "content": _BLOCKS}, ["role", "content"]),
                "description": "The turns before `content`, as the Messages API takes them, where tools were run",
            },
            "tool_results": {**_BLOCKS, "description": "Of the calls in `content`: what tools of the worker brought"},
            "created_at": _TIME,
            "continues": {"type": "string", "description": "The answer that this message asks to go on with"},
            "versions": {
                "type": "array",
                "items": _TEXT,
                "description": "The messages of which one stands here, oldest first, where there are others",
            },
            "stream_id": _STREAM,
            "model": _TEXT_OR_NULL,
            "partial": {"const": True, "description": "The answer failed, was cancelled or expired: this is what came"},
            **_ENDING,
        },
        ["id", "role", "content", "created_at"],
    ),
    "TurnRequest": {
        "type": "object",
        "description": "Something to say, or what to do with the last answer; other fields are the Messages API's.",
        "properties": {
            "content": {"anyOf": [{"type": "string", "minLength": 1, "pattern": "[!-~]"}, {**_BLOCKS, "minItems": 1}]},
            "regenerate": {"const": True},
            "continue": {"const": True},
            "after": {
                "type": ["string", "null"],
                "minLength": 1,
                "description": "What follows this message is put away, as a version of what takes its place",
            },
            "relay": schema("Relay"),
        },
        "oneOf": [{"required": ["content"]}, {"required": ["regenerate"]}, {"required": ["continue"]}],
        "examples": [{"content": "Tell me about rivers"}, {"regenerate": True}],
    },
    "TurnAccepted": thing(
        {
            "id": _STREAM,
            "state": {"enum": ["queued", "running", "waiting", "ended"]},
            "events_url": _TEXT,
            "cancel_url": _TEXT,
            "ticket": {"type": "string", "description": "Where one was asked for"},
            "conversation_id": {"type": "string", "pattern": CONVERSATION_ID},
            "message_id": {"type": "string", "description": "The message that is answered"},
            "answer_id": {"type": "string", "description": "The message that the answer is going to be"},
        },
        ["id", "state", "events_url", "cancel_url", "conversation_id", "message_id", "answer_id"],
    ),
    "ForkRequest": thing({"at": _TEXT, "title": _DESCRIBED["title"]}, ["at"], additionalProperties=False),
    "Title": thing({"title": _TEXT_OR_NULL}, ["title"]),
    "VersionRequest": thing({"message_id": _TEXT}, ["message_id"], additionalProperties=False),
    "ConversationUpdated": thing(_DESCRIBED, ["title", "system", "model"]),
    "MessageAdded": thing({"message": schema("KeptMessage")}, ["message"]),
    "MessagesRemoved": thing({"after": _TEXT_OR_NULL}, ["after"]),
    "StreamStarted": thing(
        {
            "stream_id": _STREAM,
            "message_id": _TEXT,
            "answer_id": _TEXT,
            "model": _TEXT,
            "events_url": _TEXT,
            "cancel_url": _TEXT,
        },
        ["stream_id", "message_id", "answer_id", "model", "events_url", "cancel_url"],
    ),
    "StreamEnded": thing({"stream_id": _STREAM, "answer_id": _TEXT, **_ENDING}, ["stream_id", "answer_id", "outcome"]),
    "ConversationDeleted": {"type": "object"},
}
