"""The shapes that go over the wire.

Pure. The rule: what we check is described as we check it; what only the Claude API knows is described as open, because
every field of its own passes through.
"""

from __future__ import annotations

from app.http.errors import TYPES
from app.intake.prompt import MAX_TOKENS_CEILING
from app.openapi.shapes.events import CACHED_FROM, COST, ESTIMATED, EVENTS, TEXT
from app.openapi.shapes.relay import RELAY
from app.openapi.words import EVENT_ID, STREAM_ID, Json, schema
from app.stream.endings import Outcome
from app.stream.ledger.lines import CallState

_TIME: Json = {"type": ["string", "null"], "format": "date-time"}
_STATE: Json = {"type": "string", "enum": ["queued", "running", "waiting", "ended"]}
_OPEN: Json = {"type": "object"}
_RELAY_MESSAGE: Json = {"relay": schema("Relay")}
_MESSAGES: Json = {"type": "array", "minItems": 1, "items": schema("InputMessage")}
_MAX_TOKENS: Json = {"type": "integer", "minimum": 1, "maximum": MAX_TOKENS_CEILING}
_MODEL: Json = {"type": "string", "minLength": 1, "examples": ["claude-sonnet-5"]}

SCHEMAS: Json = {
    "Error": {
        "type": "object",
        "required": ["type", "error", "request_id"],
        "properties": {
            "type": {"const": "error"},
            "error": schema("ErrorDetail"),
            "request_id": TEXT,
        },
    },
    "ErrorDetail": {
        "type": "object",
        "required": ["type", "message"],
        "properties": {
            "type": {"type": "string", "examples": sorted(set(TYPES.values()))},
            "message": {"type": "string", "description": "Says what to do"},
        },
    },
    "InputMessage": {
        "type": "object",
        "required": ["role", "content"],
        "properties": {
            "role": {"type": "string", "minLength": 1, "examples": ["user", "assistant"]},
            "content": {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "minItems": 1, "items": _OPEN, "description": "Content blocks"},
                ]
            },
        },
    },
    "MessagesRequest": {
        "type": "object",
        "description": "The parameters of the Messages API. Those that are not listed pass through as well.",
        "required": ["model", "max_tokens", "messages"],
        "properties": {
            "model": _MODEL,
            "max_tokens": _MAX_TOKENS,
            "messages": _MESSAGES,
            "stream": {"type": "boolean"},
            **_RELAY_MESSAGE,
        },
    },
    "StreamRequest": {
        "type": "object",
        "description": "The parameters of the Messages API, or the short form with `prompt`.",
        "properties": {
            "prompt": {"type": "string", "minLength": 1, "pattern": "[!-~]", "description": "The short form"},
            "model": _MODEL,
            "max_tokens": _MAX_TOKENS,
            "messages": _MESSAGES,
            "stream": {"type": "boolean", "description": "Accepted and ignored"},
            **_RELAY_MESSAGE,
        },
        "oneOf": [
            {"required": ["prompt"], "not": {"required": ["messages"]}},
            {"required": ["model", "max_tokens", "messages"], "not": {"required": ["prompt"]}},
        ],
        "examples": [{"prompt": "Tell me about rivers"}],
    },
    **RELAY,
    "Accepted": {
        "type": "object",
        "required": ["id", "state", "events_url", "cancel_url"],
        "properties": {
            "id": {"type": "string", "pattern": STREAM_ID},
            "state": _STATE,
            "events_url": {"type": "string", "description": "A path; with the ticket, where one was asked for"},
            "cancel_url": {"type": "string", "description": "A path"},
            "ticket": {"type": "string", "description": "Where one was asked for"},
        },
    },
    "Stream": {
        "type": "object",
        "required": ["id", "state", "attempt", "offset", "model", "created_at", "started_at", "ended_at", "calls"],
        "properties": {
            "id": {"type": "string", "pattern": STREAM_ID},
            "state": _STATE,
            "attempt": {"type": "integer", "minimum": 0},
            "offset": {"type": ["string", "null"], "pattern": EVENT_ID, "description": "The id of the last event"},
            "position": {"type": "integer", "minimum": 1, "description": "The place in the line, 1 for the next"},
            "model": TEXT,
            "created_at": _TIME,
            "started_at": _TIME,
            "ended_at": _TIME,
            "outcome": {"enum": [*Outcome, None]},
            "stop_reason": {"type": ["string", "null"]},
            "usage": {"type": ["object", "null"]},
            "estimated": ESTIMATED,
            "cost_usd": COST,
            "calls": {"type": "array", "items": schema("UpstreamCall"), "description": "Those that are over"},
            "cached_from": CACHED_FROM,
            "shared_with": {
                "type": "string",
                "pattern": STREAM_ID,
                "description": "The stream that was being given the answer, and is or was read along",
            },
            "message": {"anyOf": [schema("Message"), {"type": "null"}]},
            "turns": {"type": "array", "items": schema("Message"), "description": "Where the worker ran tools, all"},
            "approvals": {
                "type": "array",
                "items": schema("RelayApproval"),
                "description": "Where it waits for a person: what that is to decide",
            },
            "partial": {
                "const": True,
                "description": "`message` is what stood when the stream ended without a whole one",
            },
            "error": {"anyOf": [schema("ErrorDetail"), {"type": "null"}]},
            "feedback": schema("Feedback"),
            "metadata": {"type": "object", "description": "what the operator's screen kept of the prompt"},
        },
    },
    "UpstreamCall": {
        "type": "object",
        "description": "A call of the Claude API. The output of one that was cut is estimated where nobody counted it",
        "required": ["n", "request_id", "model", "state", "usage", "cost_usd", "estimated"],
        "properties": {
            "n": {"type": "integer", "minimum": 1},
            "request_id": {"type": ["string", "null"], "description": "The upstream's; null where no answer came"},
            "model": {"type": "string", "description": "The one that answered"},
            "state": {"enum": list(CallState)},
            "usage": {"type": ["object", "null"]},
            "cost_usd": {"type": ["number", "null"], "description": "Null where the model has no known price"},
            "estimated": {"type": "boolean"},
        },
    },
    "Cancelled": {
        "type": "object",
        "required": ["id", "state"],
        "properties": {"id": {"type": "string", "pattern": STREAM_ID}, "state": _STATE},
    },
    "Message": {
        "type": "object",
        "description": "A Message of the Claude API",
        "required": ["id", "type", "role", "content"],
        "properties": {
            "id": TEXT,
            "type": {"const": "message"},
            "role": {"const": "assistant"},
            "content": {"type": "array", "items": _OPEN},
            "model": TEXT,
            "stop_reason": {"type": ["string", "null"]},
            "usage": _OPEN,
        },
    },
    "UpstreamEvent": {"type": "object", "description": "An event of the Claude API, as it came"},
    **EVENTS,
    "ChatRequest": {
        "type": "object",
        "description": "What `DefaultChatTransport` of the AI SDK sends; further fields are ignored",
        "required": ["id", "messages"],
        "properties": {
            "id": {"type": "string", "minLength": 1, "maxLength": 1024},
            "messages": {"type": "array", "minItems": 1, "items": schema("UIMessage")},
            "trigger": {"enum": ["submit-message", "regenerate-message"]},
            "messageId": {"type": ["string", "null"]},
            "relay": {
                "type": ["object", "null"],
                "description": "`tools` that workers run, `max_turns`; where KEEPSTREAM_CHAT_FIELDS has relay.tools",
            },
            "model": {"type": "string", "description": "One of KEEPSTREAM_CHAT_MODELS"},
        },
    },
    "UIMessage": {
        "type": "object",
        "required": ["id", "role", "parts"],
        "properties": {
            "id": {"type": "string", "maxLength": 1024},
            "role": {"enum": ["user", "assistant", "system"]},
            "parts": {
                "type": "array",
                "items": {"type": "object", "required": ["type"], "properties": {"type": TEXT}},
            },
        },
    },
    "UIMessageChunk": {
        "type": "object",
        "description": "A chunk of the UI message stream, protocol v1",
        "required": ["type"],
        "properties": {"type": TEXT},
    },
    "Health": {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"enum": ["ok", "ready"]},
            "notes": {
                "type": "array",
                "items": TEXT,
                "description": "What is wrong and sends no reader away: a Redis that takes no writes, a certificate "
                "that has expired. Absent where nothing is.",
            },
        },
    },
}
