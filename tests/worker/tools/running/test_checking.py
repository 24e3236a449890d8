"""Which schemas are taken, and what is said of an input that does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from worker.tools.running.checking import SCHEMA_BYTES_MAX, BadSchemaError, InputSchema


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def doubling(times: int) -> dict[str, Any]:
    """Each of its parts refers to the next one twice."""
    parts: dict[str, Any] = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(times)}
    return {**of(a={"$ref": "#/$defs/p0"}), "$defs": {**parts, f"p{times}": {"type": "string"}}}


def nested(times: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(times):
        schema = {"type": "array", "items": schema}
    return of(a=schema)


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (None, "object"),
        ([], "object"),
        (True, "object"),
        ({}, "object"),
        ({"type": "string"}, "object"),
        ({"type": "object", "oneOf": []}, "oneOf"),
        ({"type": "object", "properties": 1}, "properties"),
        (of(a={"type": "strin"}), "strin"),
        (of(a={"pattern": "("}), "regex"),
        (of(a={"$ref": "http://169.254.169.254/latest"}), "must point into the schema"),
        (of(a={"$ref": "file:///etc/passwd"}), "must point into the schema"),
        (of(a={"$ref": "#/$defs/missing"}), "missing"),
        ({"$schema": "http://example.com/mine", "type": "object"}, "meta-schema"),
        (of(a={"description": "x" * SCHEMA_BYTES_MAX}), "bytes"),
        (doubling(40), "parts"),
        (nested(3_000), "deeply"),
        (of(a={"const": float("inf")}, b={"x": object()}), "JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_schema_that_cannot_be_used_is_refused(schema: object, why: str) -> None:
    with pytest.raises(BadSchemaError, match=why):
        InputSchema(schema)


def test_a_schema_may_refer_to_itself() -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    schema = InputSchema(tree)
    assert schema.fault_of({"children": [{"children": []}]}) == ""
    assert schema.fault_of({"children": [{"children": 1}]}).startswith("children[0].children: ")
    assert InputSchema({**of(a={"$ref": "#/allOf_/0"}), "allOf_": [{"type": "string"}]}).fault_of({"a": 1})


def test_faults_are_told_with_their_places_few_of_them_and_clipped() -> None:
    schema = InputSchema(of(**{f"f{n}": {"type": "integer"} for n in range(9)}))
    words = schema.fault_of({f"f{n}": "x" * 10_000 for n in range(9)})
    assert words.count("; ") == 2
    assert words.startswith("f0: ")
    assert len(words) < 2_000


def test_a_pattern_takes_no_longer_than_it_may() -> None:
    schema = InputSchema(of(a={"type": "string", "pattern": "^(a|aa)+\\1$"}))
    assert schema.fault_of({"a": "a" * 60 + "b"}).startswith("a: ")


def test_a_pattern_that_makes_much_of_itself_is_refused() -> None:
    assert InputSchema(of(a={"pattern": r"^[\w-]{1,64}$"})).fault_of({"a": "b-c"}) == ""
    with pytest.raises(BadSchemaError, match="pattern"):
        InputSchema(of(a={"pattern": r"\p{L}{1,400}"}))
