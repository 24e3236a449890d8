"""An example of a schema is a value that the schema takes, however it is nested."""

from __future__ import annotations

from typing import Any

import pytest

from app.dev.simulator.answer.schema import DEEPEST, example


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
