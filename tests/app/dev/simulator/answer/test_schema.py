"""An example of a schema is a value that the schema takes, however it is nested."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from app.dev.simulator.answer.schema import DEEPEST, breaking, example


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "Kraków"),
        ({"type": ["integer", "null"]}, 42),
        ({"type": "number", "minimum": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 0}, 0),
        ({"type": "boolean", "default": False}, False),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": "array", "items": {"type": "integer"}}, [42]),
        ({"properties": {"a": {"type": "string"}, "b": {"type": "null"}}}, {"a": "Kraków", "b": None}),
        ({"type": "object"}, {}),
        (None, "Kraków"),
    ],
)
def test_it_is_the_first_choice(schema: Any, value: Any) -> None:
    assert example(schema) == value


def test_a_schema_without_end_has_an_example_with_one() -> None:
    schema: dict[str, Any] = {"type": "array"}
    schema["items"] = schema
    value, depth = example(schema), 0
    while isinstance(value, list):
        (value,), depth = value, depth + 1
    assert depth == DEEPEST + 1


PLACE = {
    "type": "object",
    "properties": {"zip": {"type": "string", "minLength": 12, "maxLength": 20}, "near": {"$ref": "#/$defs/place"}},
    "required": ["zip"],
    "additionalProperties": False,
}
TRUE_TO = [
    {
        "$defs": {"place": PLACE},
        "type": "object",
        "properties": {"home": {"$ref": "#/$defs/place"}},
        "required": ["home"],
    },
    {"properties": {"at": {"type": "string", "format": "date-time"}, "n": {"type": "integer", "exclusiveMinimum": 99}}},
    {"properties": {"n": {"type": "number", "minimum": 1, "maximum": 2}, "m": {"type": "integer", "multipleOf": 5}}},
    {
        "properties": {"n": {"type": "integer", "maximum": -3}, "l": {"type": "array", "minItems": 3}},
        "required": ["n", "z"],
    },
    {"allOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}, {"properties": {"b": {"type": "integer"}}}]},
    {"properties": {"a": {"enum": [[1], 2]}, "b": {"type": "array", "items": {"type": "boolean"}}}},
]


@pytest.mark.parametrize("schema", TRUE_TO)
def test_it_is_true_to_its_schema_and_the_other_breaks_it(schema: dict[str, Any]) -> None:
    assert jsonschema_rs.is_valid(schema, example(schema))
    assert not jsonschema_rs.is_valid(schema, breaking(schema))


def test_a_schema_of_millions_has_a_small_example() -> None:
    every = {
        "type": "object",
        "properties": {name: {"$ref": "#"} for name in "abcdefghij"},
        "required": list("abcdefghij"),
    }
    assert len(str(example(every))) < 1_000_000
