"""A client's body: taken where it is a JSON object, cut into its fields as they were sent, and refused in words."""

from __future__ import annotations

import json
from typing import Any

import orjson

from app.intake.raw_json import (
    WRAPPING,
    InvalidPromptError,
    Raw,
    built,
    elements,
    fields_of,
    joined,
    kind_of,
    members,
    minified,
)  # fmt: skip
from tests.fuzz import mutating

mutate = mutating.of_json
KINDS = {dict: "object", list: "array", str: "string", bool: "true false", type(None): "null"}


def check(data: bytes) -> None:
    wanted = by_the_law(data)
    try:
        fields = fields_of(data)
    except InvalidPromptError:
        assert not isinstance(wanted, dict)
        return
    assert isinstance(wanted, dict)
    assert {name: exactly(bytes(value)) for name, value in fields.items()} == wanted
    assert exactly(joined(fields)) == wanted
    for name, value in fields.items():
        assert exactly(minified(value)) == wanted[name]
        is_cut_as(value, wanted[name])
        try:
            found = built(name, value)
        except InvalidPromptError:
            continue
        for _ in range(WRAPPING):  # it may come to stand in what is written later
            found = [found]
        orjson.dumps(found)


def is_cut_as(value: Raw, wanted: Any) -> None:
    """All that it is made of, to the ground."""
    assert kind_of(value) in KINDS.get(type(wanted), "number").split()
    match kind_of(value):
        case "array":
            for one, part in zip(elements(value), wanted, strict=True):
                is_cut_as(one, part)
        case "object":
            inside = members(value)
            assert inside.keys() == wanted.keys()
            for name, one in inside.items():
                is_cut_as(one, wanted[name])
        case _:
            assert exactly(bytes(value)) == wanted


class Number(str):
    """A number as it stands."""

    __slots__ = ()


def exactly(data: bytes) -> Any:
    """A value with its numbers as they stand. Raises `ValueError`."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    return json.loads(data.decode(), parse_float=Number, parse_int=Number, parse_constant=refuse)


def by_the_law(data: bytes) -> Any:
    """The value, or None for what is no JSON, or holds half of a surrogate pair."""
    try:
        found = exactly(data)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found
