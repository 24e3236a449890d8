"""What was stored as it came is a value that can be written again, or none."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream.readback.values import parse

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_it_is_what_was_stored(value: Any) -> None:
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        (None, None),
        (b"", None),
        (b"no JSON", None),
        (b"[" * 100_000, None),
        (b'"a\\ud800b"', "a\ufffdb"),
        (b'{"\\udc00":["\\ud83c\\udf0a"]}', {"\ufffd": ["🌊"]}),
    ],
)
def test_half_of_a_pair_is_a_sign_of_its_own(stored: bytes | None, value: Any) -> None:
    assert parse(stored) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ud8c0eE+-.1 n', max_size=40).map(str.encode))
def test_nothing_that_stands_there_makes_it_fail(stored: bytes) -> None:
    orjson.dumps(parse(stored))
