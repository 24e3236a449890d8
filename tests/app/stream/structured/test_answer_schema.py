"""Where a request's schema stands, and which of them nothing can be held against."""

from __future__ import annotations

import pytest

from app.stream.structured.answer_schema import (
    MESSAGE_CHARACTERS,
    SCHEMA_BYTES,
    InvalidSchemaError,
    clipped,
    schema_of,
    validator_of,
)

SCHEMA = b'{"type": "object"}'
FORMAT = b'{"type": "json_schema", "schema": %b}' % SCHEMA


@pytest.mark.parametrize(
    ("config", "format_", "schema"),
    [
        (b'{"format": %b}' % FORMAT, None, SCHEMA),
        (None, FORMAT, SCHEMA),
        (b'{"effort": "low"}', FORMAT, SCHEMA),
        (b'{"format": {"type": "json_schema", "schema": {}}}', FORMAT, b"{}"),
        (b'{"effort": "low"}', None, None),
        (None, None, None),
        (b"null", b"null", None),
        (b"[1]", b'"text"', None),
        (b'{"format": {"type": "text", "schema": {}}}', None, None),
        (b'{"format": {"type": "json_schema"}}', None, None),
    ],
)
def test_it_stands_where_the_api_has_it(config: bytes | None, format_: bytes | None, schema: bytes | None) -> None:
    assert schema_of(config, format_) == schema


def test_an_enormous_one_is_none() -> None:
    large = b'{"type": "json_schema", "schema": {"description": "%b"}}' % (b"x" * SCHEMA_BYTES)
    with pytest.raises(InvalidSchemaError, match="64 KiB"):
        schema_of(None, large)


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (b'{"type": "objekt"}', "/type: .objekt. is not valid"),
        (b"[]", "is not of types"),
        (b'{"$ref": "http://127.0.0.1:9/other.json"}', "Retrieval is disabled"),
        (b'{"$ref": "file:///etc/hostname"}', "Retrieval is disabled"),
        (b'{"$ref": "#/$defs/none"}', "does not exist"),
        (b'{"$schema": "http://127.0.0.1:9/none"}', "Unknown meta-schema"),
        (b'{"pattern": "(?=look)ahead"}', 'is not a "regex"'),
        (b'{"pattern": "(a{1,999}){1,999}"}', 'is not a "regex"'),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "recursion limit"),
    ],
)
def test_one_that_nothing_can_be_held_against_is_told_and_nothing_is_fetched(schema: bytes, why: str) -> None:
    with pytest.raises(InvalidSchemaError, match=why):
        validator_of(schema)


@pytest.mark.parametrize(
    "schema",
    [
        b"true",
        b'{"$ref": "#"}',
        b'{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}',
        b'{"properties": {"child": {"$ref": "#"}}, "additionalProperties": false}',
        b'{"pattern": "^(a+)+$"}',
    ],
)
def test_one_that_speaks_of_itself_is_like_any_other(schema: bytes) -> None:
    assert list(validator_of(schema).iter_errors({})) == []


def test_what_is_told_is_one_line() -> None:
    assert clipped(" a\n  b ") == "a b"
    assert len(clipped("x" * 1000)) == MESSAGE_CHARACTERS
