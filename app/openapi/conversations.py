"""The description of `/v1/conversations`, with the shapes that only it has. Pure."""

from __future__ import annotations

from typing import Any

from app.openapi.access import BY_TICKET
from app.openapi.words import (
    CONVERSATION_ID,
    EVENT_ID,
    RATES,
    STREAM_ID,
    Json,
    answer,
    body,
    errors,
    events,
    json_content,
    operation,
    parameters,
    ref,
    schema,
)
from app.stream.endings import Outcome

TAG = "Conversations"
TAGS = [{"name": TAG, "description": "Histories kept by Keepstream, the same for every tab and device"}]

EVENTS = """\
What happens in the conversation, with ids and resume as the events of a stream. It ends only after `relay.end`, when
the conversation was deleted, or when the front drains. After a `relay.reset`, get the conversation again."""

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
_NAMED = ["id", "title", "system", "model", "created_at", "updated_at"]


def _object(properties: Json, required: list[str], **more: Any) -> Json:
    return {"type": "object", "required": required, "properties": properties, **more}


SCHEMAS: Json = {
    "ConversationRequest": {"type": "object", "properties": _DESCRIBED, "additionalProperties": False},
    "Conversation": _object(_CONVERSATION, _NAMED),
    "ConversationPage": _object(
        {
            "data": {
                "type": "array",
                "items": _object(_CONVERSATION | {"stream_id": _STREAM_OR_NULL}, [*_NAMED, "stream_id"]),
            },
            "has_more": {"type": "boolean"},
            "last_id": {"type": ["string", "null"], "pattern": CONVERSATION_ID},
        },
        ["data", "has_more", "last_id"],
    ),
    "WholeConversation": _object(
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
    "KeptMessage": _object(
        {
            "id": _TEXT,
            "role": {"enum": ["user", "assistant"]},
            "content": {
                **_BLOCKS,
                "type": ["array", "null"],
                "description": "null only in an event, where it is large",
            },
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
    "TurnAccepted": _object(
        {
            "id": _STREAM,
            "state": {"enum": ["queued", "running", "ended"]},
            "events_url": _TEXT,
            "cancel_url": _TEXT,
            "ticket": {"type": "string", "description": "Where one was asked for"},
            "conversation_id": {"type": "string", "pattern": CONVERSATION_ID},
            "message_id": {"type": "string", "description": "The message that is answered"},
            "answer_id": {"type": "string", "description": "The message that the answer is going to be"},
        },
        ["id", "state", "events_url", "cancel_url", "conversation_id", "message_id", "answer_id"],
    ),
    "ForkRequest": _object({"at": _TEXT, "title": _DESCRIBED["title"]}, ["at"], additionalProperties=False),
    "VersionRequest": _object({"message_id": _TEXT}, ["message_id"], additionalProperties=False),
    "ConversationUpdated": _object(_DESCRIBED, ["title", "system", "model"]),
    "MessageAdded": _object({"message": schema("KeptMessage")}, ["message"]),
    "MessagesRemoved": _object({"after": _TEXT_OR_NULL}, ["after"]),
    "StreamStarted": _object(
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
    "StreamEnded": _object(
        {"stream_id": _STREAM, "answer_id": _TEXT, **_ENDING}, ["stream_id", "answer_id", "outcome"]
    ),
    "ConversationDeleted": {"type": "object"},
}


def paths() -> Json:
    found = parameters("conversation-id")
    sent = (400, 408, 413, 415)
    whole = json_content(schema("WholeConversation"))
    made = answer("As it begins", whole)
    made["headers"]["location"] = ref("headers", "location-of-conversation")
    exported = answer("A file", whole | {"text/markdown": {"schema": _TEXT}}, "content-disposition")
    return {
        "/v1/conversations": {
            "post": operation(
                "createConversation",
                TAG,
                "Begin a conversation",
                {"201": made, **errors(401, 409, *sent)},
                requestBody=body(schema("ConversationRequest")),
            ),
            "get": operation(
                "listConversations",
                TAG,
                "List your conversations, the last used first",
                {"200": answer("A page", json_content(schema("ConversationPage"))), **errors(400, 401)},
                parameters=parameters("limit", "before"),
            ),
        },
        "/v1/conversations/{id}": {
            "get": operation(
                "showConversation",
                TAG,
                "The whole conversation",
                {"200": answer("As it is now", whole), **errors(401, 404, 410)},
                parameters=found,
            ),
            "patch": operation(
                "updateConversation",
                TAG,
                "Change title, system prompt or model",
                {"200": answer("As it is now", json_content(schema("Conversation"))), **errors(401, 404, 410, *sent)},
                parameters=found,
                requestBody=body(schema("ConversationRequest")),
            ),
            "delete": operation(
                "deleteConversation",
                TAG,
                "Delete a conversation; a stream that runs in it is cancelled",
                {"204": answer("It is gone"), **errors(401, 404, 410)},
                parameters=found,
            ),
        },
        "/v1/conversations/{id}/messages": {
            "post": operation(
                "say",
                TAG,
                "Say something and be answered; or regenerate, or continue, the last answer",
                {
                    "202": answer("Accepted", json_content(schema("TurnAccepted")), *RATES, "location"),
                    **errors(401, 402, 404, 409, 410, 422, *sent),
                },
                parameters=[*found, *parameters("idempotency-key", "anthropic-version", "anthropic-beta")],
                requestBody=body(schema("TurnRequest")),
                description="One stream runs at a time: 409 names it in `error.stream_id`.",
            )
        },
        "/v1/conversations/{id}/events": {
            "get": operation(
                "conversationEvents",
                TAG,
                "Read what happens in a conversation",
                {
                    "200": answer(
                        "Everything that is kept, or what follows the given event; live",
                        events(
                            EVENTS,
                            **{
                                "conversation.updated": schema("ConversationUpdated"),
                                "message.added": schema("MessageAdded"),
                                "messages.removed": schema("MessagesRemoved"),
                                "stream.started": schema("StreamStarted"),
                                "stream.ended": schema("StreamEnded"),
                                "conversation.deleted": schema("ConversationDeleted"),
                                "relay.reset": schema("RelayReset"),
                                "relay.end": schema("RelayEnd"),
                            },
                        ),
                    ),
                    "204": answer("It was deleted, and the given event is its last: do not come back"),
                    **errors(400, 401, 404, 410),
                },
                parameters=[*found, *parameters("last-event-id", "after", "lastEventId", "last_event_id")],
                security=BY_TICKET,
            )
        },
        "/v1/conversations/{id}/version": {
            "post": operation(
                "chooseVersion",
                TAG,
                "Make the branch active in which a message stands",
                {
                    "200": answer("As it is now", json_content(schema("Conversation"))),
                    **errors(401, 404, 409, 410, *sent),
                },
                parameters=found,
                requestBody=body(schema("VersionRequest")),
                description="Its readers are told by `messages.removed` and `message.added`. 409 while a stream runs.",
            )
        },
        "/v1/conversations/{id}/fork": {
            "post": operation(
                "forkConversation",
                TAG,
                "Begin a new conversation with this one's history up to a message",
                {"201": made, **errors(401, 404, 409, 410, *sent)},
                parameters=found,
                requestBody=body(schema("ForkRequest")),
            )
        },
        "/v1/conversations/{id}/export": {
            "get": operation(
                "exportConversation",
                TAG,
                "Download a conversation",
                {"200": exported, **errors(400, 401, 404, 410)},
                parameters=[*found, *parameters("format")],
            )
        },
    }
