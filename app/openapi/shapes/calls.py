"""What is said of a model's calls of tools: their results, and whether one may be made. Pure."""

from __future__ import annotations

from app.intake.calls.results import RESULTS_MAX
from app.intake.calls.verdicts import REASON_CHARACTERS
from app.openapi.words import Json, schema, thing

CALL: Json = {
    "name": "tool_use_id",
    "in": "path",
    "required": True,
    "description": "The call's id, as `relay.approval` names it",
    "schema": {"type": "string", "minLength": 1, "maxLength": 250, "examples": ["toolu_0123456789abcdef01234567"]},
}

SHAPES: Json = {
    "Approval": thing(
        {
            "approve": {"type": "boolean"},
            "reason": {
                "type": ["string", "null"],
                "maxLength": REASON_CHARACTERS,
                "description": "Said to the model, where the call is refused",
            },
        },
        ["approve"],
        additionalProperties=False,
        examples=[{"approve": False, "reason": "Not on a Sunday"}],
    ),
    "ToolResult": thing(
        {
            "tool_use_id": {"type": "string", "maxLength": 250},
            "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]},
            "is_error": {"type": "boolean", "default": False},
            "type": {"const": "tool_result"},
        },
        ["tool_use_id", "content"],
        description="As a block of the Messages API, whose further fields pass through",
    ),
    "ToolResults": thing(
        {
            "results": {
                "type": "array",
                "items": schema("ToolResult"),
                "maxItems": RESULTS_MAX,
                "description": "One for each call that nobody has answered",
            },
            "relay": schema("Relay"),
        },
        ["results"],
        description="Other fields are the Messages API's, for what follows; what is not said holds as it was asked.",
        examples=[{"results": [{"tool_use_id": "toolu_1", "content": "18 degrees, and sunny"}]}],
    ),
}
