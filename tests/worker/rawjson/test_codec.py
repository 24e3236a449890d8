from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rawjson.codec import NotJSONError, dumps, loads

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_what_is_written_is_read_again_lone_surrogates_too(value: object) -> None:
    written = dumps(value)
    written.decode()  # UTF-8
    assert loads(written) == value


@given(values)
def test_what_the_sdk_s_parser_takes_is_taken(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"not json",
        b'{"a":NaN}',
        b"[Infinity]",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_is_no_json_in_utf_8_is_refused(data: bytes) -> None:
    with pytest.raises(NotJSONError):
        loads(data)


@pytest.mark.parametrize("number", ["18446744073709551615", "18446744073709551617", "-9223372036854775809", "1" * 400])
def test_a_number_is_the_same_whichever_parser_meets_it(number: str) -> None:
    alone, beside = loads(number.encode()), loads(f'["\\ud800",{number}]'.encode())[1]
    assert (alone, type(alone)) == (beside, type(beside))


def test_the_refusal_does_not_quote_the_answer() -> None:
    with pytest.raises(NotJSONError) as caught:
        loads(b'{"secret": unquoted')
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("depth", "taken"), [(900, True), (1010, True), (1024, True), (1025, False), (5000, False)])
@pytest.mark.parametrize("text", ["x", "\\ud800"])
def test_depth_is_the_same_for_text_of_any_kind(depth: int, taken: bool, text: str) -> None:  # noqa: FBT001
    data = (f'{{"type":"future","s":"{text}","a":' + '{"a":' * (depth - 1) + "1" + "}" * depth).encode()
    if not taken:
        with pytest.raises(NotJSONError):
            loads(data)
    else:
        assert loads(data)["type"] == "future"
