"""A value that fits a JSON schema, as the tools and the formats of a request have it, and one that does not. Pure.

It knows what models are given: types, properties, choices, references, lengths and bounds; of `pattern` and of what
schemas can forbid it knows nothing. It takes the first choice wherever the schema leaves one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

DEEPEST = 20  # levels; a schema may be nested without end, a value must not
MOST = 5_000  # values in one; references can make a small schema ask for millions
LONGEST = 1_000  # of a text or a list: a schema may ask for more than memory has
_SIMPLE: dict[str, Any] = {"string": "Kraków", "integer": 42, "number": 4.2, "boolean": True, "null": None}
_FORMATS = {
    "date-time": "2026-11-28T12:00:00Z",
    "date": "2026-11-28",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
}


@dataclass(slots=True)
class _Root:
    """The schema that references are looked up in, and how many values it may still be asked for."""

    schema: Any
    left: int = MOST


def example(schema: Any) -> Any:
    """What the schema does not say is a string."""
    return _example(schema, _Root(schema), 0)


def breaking(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object that the schema of an object forbids, as far as it forbids any: what it must have is missing, or the
    first of its properties is of another kind.
    """
    fitting = example(schema)
    value = fitting if isinstance(fitting, dict) else {}
    if required := [name for name in schema.get("required") or () if name in value]:
        return {name: one for name, one in value.items() if name != required[0]}
    if value:
        first = next(iter(value))
        return {**value, first: ["not", "this"] if not isinstance(value[first], list) else "not this"}
    return {"unexpected": True}


def _example(schema: Any, root: _Root, depth: int) -> Any:
    root.left -= 1
    if not isinstance(schema, Mapping) or depth > DEEPEST or root.left < 0:
        return _SIMPLE["string"]
    if (other := _instead(schema, root)) is not None:
        return _example(other, root, depth + 1)
    if (given := _given(schema)) is not None:
        return given
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            return _object(schema, root, depth)
        case "array":
            count = min(max(int(schema.get("minItems") or 1), 0), LONGEST)
            return [_example(schema.get("items"), root, depth + 1)] * min(count, int(schema.get("maxItems", count)))
        case "string":
            return _text(schema)
        case "integer" | "number" as number:
            return _number(schema, whole=number == "integer")
        case simple:
            return _SIMPLE.get(str(simple), _SIMPLE["string"])


def _instead(schema: Mapping[str, Any], root: _Root) -> Any:
    """The schema that one of references or combinations stands for."""
    if "$ref" in schema:
        return _referred(str(schema["$ref"]), root.schema)
    if schema.get("allOf"):
        return _merged(schema)
    return next((schema[union][0] for union in ("anyOf", "oneOf") if schema.get(union)), None)


def _object(schema: Mapping[str, Any], root: _Root, depth: int) -> dict[str, Any]:
    """All its properties; but what only may be there is left out where references would go on without end."""
    properties = schema.get("properties") or {}
    required = schema.get("required") or ()
    wanted = [name for name in properties if depth < DEEPEST // 4 or name in required]
    found = {name: _example(properties[name], root, depth + 1) for name in wanted}
    return found | {name: _SIMPLE["string"] for name in required if name not in found}


def _given(schema: Mapping[str, Any]) -> Any:
    """What the schema itself offers as a value, if anything."""
    offers = [schema.get("const"), *(schema.get("enum") or ())[:1], schema.get("default")]
    offers += (schema.get("examples") or ())[:1]
    return next((offer for offer in offers if offer is not None), None)


def _text(schema: Mapping[str, Any]) -> str:
    text = _FORMATS.get(str(schema.get("format")), str(_SIMPLE["string"]))
    shortest, longest = int(schema.get("minLength", 0)), int(schema.get("maxLength", LONGEST))
    if len(text) < shortest:
        text = (text * (min(shortest, LONGEST) // len(text) + 1))[:shortest]
    return text[:longest]


def _number(schema: Mapping[str, Any], *, whole: bool) -> float:
    step = schema.get("multipleOf")
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if (above := schema.get("exclusiveMinimum")) is not None:
        lowest = floor(above) + 1 if whole or step else above + 1
    if (below := schema.get("exclusiveMaximum")) is not None:
        highest = ceil(below) - 1 if whole or step else below - 1
    value = _SIMPLE["integer" if whole else "number"]
    if step:
        value = ceil((lowest if lowest is not None else 0) / step) * step
    elif lowest is not None and (value < lowest or schema.get("minimum") is not None):
        value = ceil(lowest) if whole else lowest
    if highest is not None and value > highest:
        value = floor(highest / step) * step if step else floor(highest) if whole else highest
    return value  # type: ignore[no-any-return]  # of what a schema says


def _merged(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`allOf` as one schema, as far as its parts speak of properties."""
    merged: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
    for part in schema["allOf"]:
        for name, value in part.items() if isinstance(part, Mapping) else ():
            if name == "properties":
                merged[name] = {**merged.get(name, {}), **value}
            elif name == "required":
                merged[name] = [*merged.get(name, ()), *value]
            else:
                merged.setdefault(name, value)
    return merged


def _referred(reference: str, root: Any) -> Any:
    """`#/$defs/name`; what is not in the schema itself is nothing."""
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
