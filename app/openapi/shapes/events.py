"""The events that Keepstream adds to a stream. Pure."""

from __future__ import annotations

from app.openapi.words import STREAM_ID, Json, schema
from app.stream.endings import Outcome

TEXT: Json = {"type": "string"}
COST: Json = {
    "type": ["number", "null"],
    "description": "US dollars, of all calls of the stream; null where one of them used a model without a known price",
}
CACHED_FROM: Json = {
    "type": "string",
    "pattern": STREAM_ID,
    "description": "The stream whose kept answer this is: no call was made for it",
}
ESTIMATED: Json = {"const": True, "description": "The answer was cut: nobody counted the output in `usage`"}

EVENTS: Json = {
    "RelayReset": {
        "type": "object",
        "description": "Forget everything so far: what follows is the newest attempt from its start; with a `turn`,"
        " where the worker runs tools, only what came from that turn's `message_start` on",
        "required": ["attempt", "reason"],
        "properties": {
            "attempt": {"type": "integer"},
            "reason": TEXT,
            "turn": {"type": "integer", "minimum": 1, "description": "Which turn begins again"},
        },
    },
    "RelayRetry": {
        "type": "object",
        "description": "The upstream failed before any content; `attempt` comes next, and there is nothing to forget",
        "required": ["attempt", "reason", "retry_in_ms"],
        "properties": {"attempt": {"type": "integer"}, "reason": TEXT, "retry_in_ms": {"type": "integer"}},
    },
    "RelayTool": {
        "type": "object",
        "description": "The result of a tool that the worker ran",
        "required": ["tool_use_id", "name", "content", "is_error", "elapsed_ms"],
        "properties": {
            "tool_use_id": TEXT,
            "name": TEXT,
            "content": {},
            "is_error": {"type": "boolean"},
            "elapsed_ms": {"type": "integer"},
        },
    },
    "RelayApproval": {
        "type": "object",
        "description": "A person has to say whether this call of a tool may be made; the stream waits for it",
        "required": ["tool_use_id", "name", "input"],
        "properties": {"tool_use_id": TEXT, "name": TEXT, "input": {}},
    },
    "RelayPartial": {
        "type": "object",
        "description": "With `partial=1`: what a block that is JSON, a text or a tool's input, says so far; without an "
        "id, and not in the log. At most ten in a second, and one more for each block that is whole",
        "required": ["index", "value"],
        "properties": {
            "index": {"type": "integer", "minimum": 0, "description": "The block's, in the newest message"},
            "value": {"description": "An object or a list: the longest part that no continuation takes back"},
        },
    },
    "RelayStatus": {
        "description": "What a stream waits for; without an id, and not in the log",
        "oneOf": [
            {
                "type": "object",
                "description": "In the line",
                "required": ["state", "position"],
                "properties": {"state": {"const": "queued"}, "position": {"type": "integer", "minimum": 1}},
            },
            {
                "type": "object",
                "description": "The upstream sends pings alone, every 5 s from the fifth on",
                "required": ["state", "silent_ms"],
                "properties": {"state": {"const": "thinking"}, "silent_ms": {"type": "integer", "minimum": 0}},
            },
            {
                "type": "object",
                "description": "At the upstream's limit: the call is made then",
                "required": ["state", "retry_in_ms"],
                "properties": {"state": {"const": "held"}, "retry_in_ms": {"type": "integer", "minimum": 0}},
            },
            {
                "type": "object",
                "description": "Of an answer that is shown when it is whole, once a second",
                "required": ["state", "elapsed_ms", "output_tokens"],
                "properties": {
                    "state": {"const": "running"},
                    "elapsed_ms": {"type": "integer", "minimum": 0},
                    "output_tokens": {"type": "integer", "minimum": 0},
                },
            },
            {
                "type": "object",
                "description": "For a person to approve the call of a tool",
                "required": ["state"],
                "properties": {"state": {"const": "waiting"}},
            },
        ],
    },
    "RelayEnd": {
        "type": "object",
        "description": "The one ending, always last; `failed` and `expired` have `error`",
        "required": ["outcome", "stop_reason", "usage", "cost_usd", "attempts"],
        "properties": {
            "outcome": {"enum": list(Outcome)},
            "stop_reason": {"type": ["string", "null"]},
            "usage": {"type": ["object", "null"]},
            "estimated": ESTIMATED,
            "cost_usd": COST,
            "cached_from": CACHED_FROM,
            "attempts": {"type": "integer", "minimum": 0},
            "turns": {
                "type": "integer",
                "minimum": 1,
                "description": "Where the worker runs tools: its calls that count",
            },
            "error": schema("ErrorDetail"),
        },
    },
}
