"""JSON as text, against slow references that walk it character by character or value by value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jiter import from_json

from worker.rawjson import json_text

numbers = st.sampled_from(
    ["0", "-0", "1.50", "1E400", "-1e-400", "12345678901234567890123456789", "0.1000000000000000000001", "7", "1e5"]
)
texts = st.text(st.characters(), max_size=6).map(json.dumps)
plain = numbers | st.sampled_from(["true", "false", "null"]) | texts
spaces = st.sampled_from(["", "", " ", "\n\t"])


def _array(items: list[str], space: str) -> str:
    return "[" + space + f"{space},".join(items) + space + "]"


def _object(items: list[tuple[str, str]], space: str) -> str:
    return "{" + f"{space},{space}".join(f"{name}{space}:{space}{value}" for name, value in items) + space + "}"


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.lists(st.tuples(texts, inner), max_size=3)
    return st.builds(_array, st.lists(inner, max_size=3), spaces) | st.builds(_object, members, spaces)


documents = st.recursive(plain, containers, max_leaves=10)
objects = st.builds(_object, st.lists(st.tuples(texts, documents), max_size=4), spaces)


class Digits(str):
    """A number as it stands."""

    __slots__ = ()


def exactly(text: str | bytes) -> Any:
    """The value, with numbers as their digits."""
    return json.loads(text, parse_int=Digits, parse_float=Digits, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise ValueError(name)


@given(objects)
def test_the_members_of_an_object_are_the_text_of_its_values(text: str) -> None:
    found = json_text.members(text.encode())
    assert {name: exactly(value) for name, value in found.items()} == exactly(text)
    assert exactly(json_text.assemble(found)) == exactly(text)


@given(documents)
def test_what_is_no_object_has_no_members(text: str) -> None:
    if not isinstance(json.loads(text), dict):
        assert json_text.members(text.encode()) == {}


@given(documents, st.integers(0, 60))
def test_json_that_was_cut_off_is_completed_as_the_sdk_does_it(text: str, cut: int) -> None:
    data = text[:cut].encode()
    try:
        wanted = from_json(data, partial_mode=True)
    except ValueError:
        return
    completed = json_text.complete(data)
    assert completed is not None
    assert _near(json.loads(completed)) == _near(wanted)
    assert json_text.is_json(completed)


def _near(value: Any) -> Any:
    """Numbers as the SDK's parser tells them, which has floats alone."""
    if isinstance(value, dict):
        return {name: _near(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_near(item) for item in value]
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


@given(st.text('{}[],:"\\ue1.0-+tfnul \n', max_size=12))
@example("[1 2]")
@example('{"a":1,}')
@example("[01]")
@example('"\\x"')
@example("1.")
def test_whatever_is_whole_json_is_and_nothing_else(text: str) -> None:
    try:
        exactly(text)
        whole = True
    except ValueError:
        whole = False
    if text == text.strip():  # what stands around it does not matter to anybody
        assert json_text.is_json(text.encode()) == whole


@pytest.mark.parametrize("depth", [1, 1024, 1025, 50_000])
def test_depth_costs_nothing(depth: int) -> None:
    data = b'{"a":' * (depth - 1) + b"[1.50" + b"]" + b"}" * (depth - 1)
    assert json_text.depth(data) == depth
    assert json_text.is_readable(data) == (depth <= json_text.DEPTH_MAX)
    assert json_text.complete(data[: data.index(b"]")]) == data
    if depth > 1:
        assert json_text.assemble(json_text.members(data)) == data


@given(st.text(st.characters(), max_size=20))
def test_a_text_is_what_it_was_and_two_halves_that_meet_are_one(text: str) -> None:
    written = json_text.text(text)
    written.decode()
    assert json.loads(written) == text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def test_brackets_in_texts_are_none() -> None:
    data = b'{"a]}":"[{\\"","b":[1]}'
    assert json_text.depth(data) == 2
    assert json_text.members(data) == {"a]}": b'"[{\\""', "b": b"[1]"}
    assert json_text.extended(b"[1]", b"2") == b"[1,2]"
    assert (
        json_text.extended(b" [] ".strip(), b"2")
        == json_text.extended(None, b"2")
        == json_text.extended(b"null", b"2")
        == b"[2]"
    )
