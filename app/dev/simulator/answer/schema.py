"""A value that fits a JSON schema, as the tools of a request have it: what the simulator calls a tool with. Pure."""

from collections.abc import Mapping
from typing import Any

DEEPEST = 20  # levels; a schema may be nested without end, an input must not
_SIMPLE: dict[str, Any] = {"string": "Kraków", "integer": 42, "number": 4.2, "boolean": True, "null": None}


def example(schema: Any, depth: int = 0) -> Any:
    """The first choice wherever the schema leaves one; what it does not say is a string."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return _SIMPLE["string"]
    if (given := _given(schema)) is not None:
        return given
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return example(schema[union][0], depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {name: example(of, depth + 1) for name, of in (schema.get("properties") or {}).items()}
        case "array":
            return [example(schema.get("items"), depth + 1)]
        case simple:
            return _SIMPLE.get(simple, _SIMPLE["string"])


def _given(schema: Mapping[str, Any]) -> Any:
    """What the schema itself offers as a value, if anything."""
    offers = [schema.get("const"), *(schema.get("enum") or ())[:1], schema.get("default"), schema.get("minimum")]
    offers += (schema.get("examples") or ())[:1]
    return next((offer for offer in offers if offer is not None), None)
