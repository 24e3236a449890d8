"""A JSON text, cut anywhere: what is said of it is kept by all that follows, and in the end it is all of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fanout.shaping.growing import TEXT_BYTES, Growing

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
DOCUMENTS = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(), VALUES, max_size=4)


def goes_on(before: Any, after: Any) -> bool:
    """Whether `after` is `before`, or what that may grow to."""
    match before, after:
        case dict(), dict():
            return all(key in after and goes_on(value, after[key]) for key, value in before.items())
        case list(), list():
            return len(before) <= len(after) and all(map(goes_on, before, after))
        case str(), str():
            return after.startswith(before)
        case _:
            return type(before) is type(after) and before == after


def said(*pieces: str) -> list[Any]:
    """What is said after each piece, and at last of the whole."""
    text = Growing()
    given: list[bytes | None] = []
    for piece in pieces:
        text.add(piece)
        given.append(text.value())
    given.append(text.value(whole=True))
    return [None if one is None else json.loads(one) for one in given]


@given(DOCUMENTS, st.sampled_from([{}, {"ensure_ascii": False}, {"indent": 1}]), st.data())
def test_each_value_goes_on_to_the_next_and_the_last_is_the_whole(
    document: Any, style: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(document, **style)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    values = [one for one in said(*pieces) if one is not None]
    assert values[-1] == values[-2] == document  # before it is known that nothing follows as well
    assert all(map(goes_on, values, values[1:]))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 12', {}),
        ('{"a": 12 ', {"a": 12}),
        ('{"a": -', {}),
        ("[1.5e", []),
        ("[tru", []),
        ("[true", [True]),
        ('{"a', {}),
        ('{"a": ', {}),
        ('{"a": "', {"a": ""}),
        ('{"a": "1', {"a": "1"}),
        ('["x\\', ["x"]),
        ('["x\\u00e', ["x"]),
        ('["x\\ud83d', ["x"]),
        ('["x\\ud83d\\ude0', ["x"]),
        ('["x\\ud83d\\ude00', ["x😀"]),
        ('["a \\" 12', ['a " 12']),
        ('["a \\\\", 12', ["a \\"]),
        ("  {", {}),
        ("[1, ", [1]),
    ],
)
def test_what_is_not_whole_waits(text: str, value: Any) -> None:
    for pieces in ([text], list(text)):
        assert said(*pieces)[-2] == value


@pytest.mark.parametrize(
    "text", ["[1] As was said", "{} {}", '{} "a"', '{"a": 1}}', "[note: ", "[NaN", "Hello", "12", '["\n"]']
)
def test_what_turns_out_to_be_no_json_is_over(text: str) -> None:
    grown = Growing()
    for letter in text:
        grown.add(letter)
        grown.value()
    assert grown.over
    grown.add("[1]")
    assert grown.value() is None


def test_what_was_cut_off_is_no_whole() -> None:
    text = Growing()
    text.add('{"a": [1, 2')
    assert text.value(whole=True) is None
    assert text.value() == b'{"a":[1]}'


@pytest.mark.parametrize("number", ["1.10", "1E400", "-0.0", "12345678901234567890123", "-9223372036854775809"])
def test_numbers_are_said_as_they_were_written(number: str) -> None:
    text = Growing()
    text.add(f'{{"n": [{number}]}}')
    assert text.value() == f'{{"n":[{number}]}}'.encode()


def test_of_doubled_keys_the_last_counts() -> None:
    assert said('{"a": 1, "a": ', "2}")[:2] == [{"a": 1}, {"a": 2}]


def test_half_of_a_surrogate_pair_is_marked_and_never_before_it_is_known_to_be_one() -> None:
    assert said('["\\ud83d', "!", '\\ude00"]') == [[""], ["\ufffd!"], ["\ufffd!\ufffd"], ["\ufffd!\ufffd"]]


@pytest.mark.parametrize("text", ["[" * 300, '{"a":' * 300])
def test_what_is_nested_beyond_all_reason_is_over(text: str) -> None:
    grown = Growing()
    grown.add(text)
    assert grown.value() is None
    assert grown.over


def test_what_is_larger_than_is_looked_at_is_over_and_let_go() -> None:
    text = Growing()
    text.add('["' + "x" * (TEXT_BYTES - 3))
    assert text.value() is not None
    text.add("xx")
    assert text.value(whole=True) is None
    assert text.over
    assert not text._text
