"""What a body may ask of the relay. Pure."""

from __future__ import annotations

from app.intake.relay import (
    CACHE_PROMPT,
    DELIVERY,
    MAX_TURNS,
    ON_INTERRUPT,
    REPAIRS,
    REPAIRS_MAX,
    TOOLS_MAX,
    TURNS_CEILING,
)
from app.openapi.words import Json

RELAY: Json = {
    "Relay": {
        "type": ["object", "null"],
        "description": "What is for the relay, and never goes up",
        "properties": {
            "on_interrupt": {
                "enum": list(ON_INTERRUPT),
                "description": "What happens when the stream breaks after content: begin again, or end as failed",
            },
            "abandon_after": {
                "type": ["number", "null"],
                "exclusiveMinimum": 0,
                "maximum": 15_000_000,
                "description": "Seconds without any reader after which the stream is cancelled",
            },
            "ticket": {
                "type": "boolean",
                "description": "The answer is to carry a ticket; not on /v1/messages",
            },
            "cache": {
                "type": ["number", "null"],
                "minimum": 0,
                "maximum": 15_811_200,
                "description": "Seconds: a whole answer to the same request that is not older is given again, without"
                " a call; and so long this one is kept. 0 is off",
            },
            "tools": {
                "type": ["array", "null"],
                "items": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,128}$"},
                "maxItems": TOOLS_MAX,
                "uniqueItems": True,
                "description": "Tools that the worker runs for it, see GET /v1/tools; on streams and conversations",
            },
            "max_turns": {
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": TURNS_CEILING,
                "default": MAX_TURNS,
                "description": "How many calls an answer with tools may take",
            },
            "delivery": {
                "enum": [*DELIVERY, None],
                "default": DELIVERY[0],
                "description": "Whether readers see the answer as it comes, or nothing of it before it is whole",
            },
            "validate": {
                "type": ["boolean", "null"],
                "default": False,
                "description": "The text is to be what the request's JSON schema says; with `final`, or a `wait`",
            },
            "repair": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": REPAIRS_MAX,
                "default": REPAIRS,
                "description": "How many more calls may mend a text that is not what its schema says",
            },
            "cache_prompt": {
                "enum": [True, False, *CACHE_PROMPT, None],
                "description": "Marks of prompt caching are placed, for so long; true is 5m. None where the request "
                "has any of its own. Of conversations it is 5m where nothing is said",
            },
        },
        "additionalProperties": False,
    },
}
