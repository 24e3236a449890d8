"""What `/v1/tools` tells. Pure."""

from __future__ import annotations

from app.openapi.words import Json, schema

SCHEMAS: Json = {
    "Tool": {
        "type": "object",
        "description": "A tool that workers run, as a model is told it",
        "required": ["name", "description", "input_schema", "approve", "repeatable"],
        "properties": {
            "name": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,128}$"},
            "description": {"type": "string"},
            "input_schema": {"type": "object", "description": "JSON Schema of what it is called with"},
            "approve": {"type": "boolean", "description": "A person is asked before each call"},
            "repeatable": {"type": "boolean", "description": "A call may run twice where its worker died"},
        },
    },
    "Tools": {
        "type": "object",
        "required": ["tools"],
        "properties": {"tools": {"type": "array", "items": schema("Tool")}},
    },
}
