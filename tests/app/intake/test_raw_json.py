"""A body is checked whole and cut into its fields, and nothing of it is built."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.prompt import Defaults, prompt_of
from app.intake.raw_json import FIELDS_MAX, WEIGHT_MAX, InvalidPromptError, Raw, built, fields_of, joined, kind_of
from tests.app.intake.bodies import DICTS, REQUIRED, UNITS, messages_of, of_units, weighing
from tests.harness.heap import heap

DEFAULTS = Defaults(model="claude-default", max_tokens=77)
MIB = 1024 * 1024
# Whole ones of a body at once. Its values take 15 to 40 times its size.
COPIES = 3

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=6), st.booleans(), st.sampled_from([None, 1]))
def test_fields_are_those_of_the_object(body: dict[str, Any], ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001
    try:
        sent = json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode()
    except UnicodeEncodeError:
        return  # half a surrogate pair
    fields = fields_of(sent)
    assert {name: json.loads(bytes(value)) for name, value in fields.items()} == body
    assert json.loads(joined(fields)) == body


@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,\\u0d8eE+-.12 \n', max_size=30).map(str.encode))
def test_what_one_parser_takes_the_other_takes(raw: bytes) -> None:
    try:
        theirs = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if "infinity" in str(error):
            return
        theirs = None
    try:
        ours = fields_of(raw)
    except InvalidPromptError:
        assert not isinstance(theirs, dict)
    else:
        assert isinstance(theirs, dict)
        assert set(ours) == set(theirs)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"a":1,\n "b":nope}', "line 2, column 7"),
        (b'{"a":NaN}', "line 1, column 6"),
        (b'{"a":"\xff"}', "line 1, column 7"),
        (b'{"a":"x\n"}', "line 1"),
        (b'{"a":"\\ud800"}', "line 1"),
        (b'{"a":1}{', "line 1, column 9"),
    ],
)
def test_the_place_of_a_fault_is_told(raw: bytes, place: str) -> None:
    with pytest.raises(InvalidPromptError, match=place) as refused:
        fields_of(raw)
    assert refused.value.__cause__ is None


# How deep msgspec goes is its interpreter's matter: below 1,000 levels in 3.11, some 10,000 in 3.13. Nobody walks it.
@pytest.mark.parametrize("depth", [50_000, 200_000])
@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_is_nested_without_end_is_refused(pair: tuple[bytes, bytes], depth: int) -> None:
    opening, closing = pair
    with pytest.raises(InvalidPromptError, match="JSON"):
        fields_of(b'{"a":' + opening * depth + b"1" + closing * depth + b"}")


def test_more_fields_than_can_be_meant_are_refused() -> None:
    def of(count: int) -> bytes:
        return b"{" + b",".join(b'"%d":1' % n for n in range(count)) + b"}"

    assert len(fields_of(of(FIELDS_MAX))) == FIELDS_MAX
    with pytest.raises(InvalidPromptError, match="fields"):
        fields_of(of(FIELDS_MAX + 1))


@pytest.mark.parametrize(
    "value",
    [
        b"1E400", b"0.1e1", b"1.0", b"-0", b"-0.0", b"123456789012345678901234567890", b"1.00000000000000000001",
        b'"\\u0041\\/\\n"', b'"\xc3\xa9\xf0\x9f\x98\x80"', b'{"z":1,"a":2,"z":3}', b"[ 1 ,\n2 ]", b'{"relay":1}',
    ],
)  # fmt: skip
def test_what_was_sent_goes_up_as_it_was_sent(value: bytes) -> None:
    sent = b'{"stream":true,"novel":' + value + b',"relay":{"on_interrupt":"fail"}, ' + REQUIRED + b"}"
    assert prompt_of(fields_of(sent), None).body == b'{"novel":' + value + b"," + REQUIRED + b"}"
    short = b'{"prompt":"\\u0041 \\/","novel":' + value + b"}"
    body = prompt_of(fields_of(short), DEFAULTS).body
    assert b'"novel":' + value in body
    assert b'[{"role":"user","content":"\\u0041 \\/"}]' in body


def test_the_same_in_another_order_or_with_more_space_is_the_same_body() -> None:
    def digest(raw: bytes) -> str:
        return prompt_of(fields_of(raw), None).digest

    fields = fields_of(b'{"x":[1,{"a":2}],' + REQUIRED + b"}")
    one = digest(joined(fields))
    assert digest(joined(dict(reversed(fields.items())))) == one
    assert digest(joined(fields).replace(b",", b" ,\n ").replace(b"[", b"[ ")) == one
    assert digest(b'{"stream":true,' + joined(fields)[1:]) == one
    assert digest(joined(fields).replace(b"[1,", b"[1.0,")) != one
    assert digest(b'{"n":10000000000000000000001,' + REQUIRED + b"}") != digest(
        b'{"n":10000000000000000000002,' + REQUIRED + b"}"
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [(b"{}", "object"), (b"[]", "array"), (b'"x"', "string"), (b"-1", "number"), (b"true", "true"), (b"null", "null")],
)
def test_kinds(value: bytes, kind: str) -> None:
    assert kind_of(fields_of(b'{"a": ' + value + b" }")["a"]) == kind


# --- nothing of it is built: what that takes is measured in tests/bench/prompts.py


@pytest.mark.parametrize("unit", UNITS)
def test_of_four_mebibytes_of_anything_nothing_is_built(unit: bytes) -> None:
    assert _copies(of_units(unit, 4 * MIB)) < COPIES


@pytest.mark.parametrize("message", [b'{"role":"user","content":"x"},', b'{"role":"user","content":[{}]},', b"{},"])
def test_nor_of_as_many_messages(message: bytes) -> None:
    assert _copies(messages_of(message, 4 * MIB)) < COPIES


# --- what is built all the same


@pytest.mark.parametrize("unit", [*UNITS, *DICTS])
def test_what_is_built_is_no_more_than_it_may_weigh(unit: bytes) -> None:
    assert _values(built("z", Raw(weighing(unit, WEIGHT_MAX - 8)))) <= WEIGHT_MAX


@pytest.mark.parametrize("unit", [*UNITS, *DICTS])
def test_what_is_made_of_more_is_refused_before_it_is_built(unit: bytes) -> None:
    value = Raw(weighing(unit, WEIGHT_MAX + 30))
    with pytest.raises(InvalidPromptError, match="z: is made of more values"):
        built("z", value)


@pytest.mark.parametrize("text", ["{[,:" * MIB, '"\\' * MIB, "a, b: c" * MIB, "\n{" * MIB])
def test_a_text_may_hold_any_signs(text: str) -> None:
    assert built("z", Raw(orjson.dumps([text, {"a": text}]))) == [text, {"a": text}]


@given(values)
def test_what_is_built_is_what_was_sent(value: Any) -> None:
    try:
        sent = orjson.dumps(value)
    except TypeError:
        return  # an integer beyond 64 bits, half a surrogate pair
    assert built("z", Raw(sent)) == json.loads(sent)


@pytest.mark.parametrize("depth", [250, 900, 2000])
def test_what_could_not_be_written_again_is_refused(depth: int) -> None:
    with pytest.raises(InvalidPromptError, match="deeply"):
        built("z", Raw(b"[" * depth + b"]" * depth))


def _copies(sent: bytes) -> float:
    """How many times its own size the front takes for a body, at the most."""
    with heap() as found:
        prompt_of(fields_of(sent), None)
    return found.most / len(sent)


def _values(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_values, inner))
