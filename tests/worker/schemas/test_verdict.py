"""What is said of an answer and its schema."""

from __future__ import annotations

import pytest

from worker.schemas.verdict import FAULTS_MAX, Fits, Misfit, Unusable, verdict_of

SCHEMA = b'{"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}, "required": ["b"]}'


def test_it_fits_or_is_told_where_it_does_not() -> None:
    assert verdict_of(SCHEMA, b'{"a": [1, 2.0], "b": null}', {}) == Fits()
    assert verdict_of(SCHEMA, b'{"a": [1, "x"], "b": 1}', {}) == Misfit(
        "/a/1", 'what stands there is not of type "integer"', ('/a/1: "x" is not of type "integer"',)
    )
    several = verdict_of(SCHEMA, b'{"a": ["x"]}', {})
    assert isinstance(several, Misfit)
    assert (several.path, several.message) == ("", '"b" is a required property')
    assert several.faults == ('"b" is a required property', '/a/0: "x" is not of type "integer"')


def test_a_few_faults_are_told_and_each_in_a_line() -> None:
    found = verdict_of(b'{"items": {"type": "integer"}}', b'["\\n%b"%b]' % (b"x" * 999, b', "y"' * 50), {})
    assert isinstance(found, Misfit)
    assert len(found.faults) == FAULTS_MAX
    assert all(len(fault) < 300 and "\n" not in fault for fault in found.faults)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (b'{"properties": {"a": {"type": "integer"}}}', b'{"a": "said-a"}'),
        (b'{"enum": ["a"]}', b'"said-a"'),
        (b'{"pattern": "^x$"}', b'"said-a"'),
        (b'{"maximum": 3}', b"5417"),
        (b'{"oneOf": [{"type": "integer"}, {"const": 1}]}', b'"said-a"'),
        (b'{"not": {}}', b'"said-a"'),
        (b"false", b'"said-a"'),
        (b'{"uniqueItems": true}', b'["said-a", "said-a"]'),
        (b'{"additionalProperties": false}', b'{"said-a": 1}'),
        (b'{"properties": {}, "additionalProperties": false}', b'{"said-a": 1}'),
        (b'{"unevaluatedProperties": false}', b'{"said-a": 1}'),
        (b'{"propertyNames": {"maxLength": 1}}', b'{"said-a": 1}'),
    ],
)
def test_who_asked_is_told_no_word_of_the_answer(schema: bytes, text: bytes) -> None:
    found = verdict_of(schema, text, {})
    assert isinstance(found, Misfit)
    assert found.message
    assert "said" not in found.message
    assert "5417" not in found.message


def test_a_path_is_as_long_as_a_line() -> None:
    found = verdict_of(b'{"additionalProperties": {"type": "integer"}}', b'{"%b": "x"}' % (b"k" * 100_000), {})
    assert isinstance(found, Misfit)
    assert found.path.startswith("/kkk")
    assert all(len(words) < 500 for words in (found.path, found.message, *found.faults))


def test_a_path_is_a_json_pointer() -> None:
    found = verdict_of(b'{"additionalProperties": {"type": "integer"}}', b'{"a/b~c": "x"}', {})
    assert isinstance(found, Misfit)
    assert found.path == "/a~1b~0c"


@pytest.mark.parametrize(
    "text", [b"", b"Hello", b'{"a": 1', b'{"a": 1} x', b"NaN", b"[" * 300 + b"]" * 300, b'"\\ud800"']
)
def test_what_is_no_json_does_not_fit(text: bytes) -> None:
    found = verdict_of(b"true", text, {})
    assert isinstance(found, Misfit)
    assert found.path == ""
    assert found.message.startswith("it is no JSON: ")
    assert "Hello" not in found.message


def test_a_schema_alone_is_looked_at_too() -> None:
    assert verdict_of(SCHEMA, None, {}) == Fits()
    assert isinstance(verdict_of(b'{"type": 5}', None, {}), Unusable)


def test_the_validator_that_was_used_last_is_used_again() -> None:
    known = {}
    verdict_of(SCHEMA, None, known)
    [validator] = known.values()
    verdict_of(SCHEMA, b"{}", known)
    assert known[SCHEMA] is validator
    verdict_of(b"true", b"{}", known)
    assert list(known) == [b"true"]
