from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.upstream.request import PIECE_BYTES, Upload, is_object, streaming

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["stream", '"stream":false']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
BODIES = st.dictionaries(st.text(max_size=8) | st.sampled_from(["stream", "model", "messages"]), VALUES, max_size=6)


async def uploaded(body: bytes) -> bytes:
    upload = Upload(body)
    for _ in range(2):  # a redirect reads it again
        pieces = [piece async for piece in upload]
        assert all(len(piece) <= PIECE_BYTES for piece in pieces)
        assert sum(map(len, pieces)) == upload.size
    return b"".join(pieces)


def whole(body: bytes) -> bytes:
    return b"".join(streaming(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","n":123456789012345678901234567890,"x":1E400,"y":-0.0,"z":0.1000}',
        b'{ "b" : 1 ,\n"a":[ ],"t":"\\u017c\\/ \xc5\xbc"}',
        b'{"messages":[{"role":"user","content":"\\"stream\\": false"}]}',
        b'{"tools":[{"input_schema":{"properties":{"stream":{"type":"boolean"}}}}]}',
        b'{"metadata":{"stream":false},"x":"stream"}',
        b'{"a":1,"a":2}',
    ],
)
async def test_what_was_stored_goes_up_byte_for_byte(body: bytes) -> None:
    assert await uploaded(body) == body[:-1] + b',"stream":true}'


@pytest.mark.parametrize(
    ("body", "up"),
    [
        (b'{"a":1E400,"stream":false}', b'{"a":1E400,"stream":true}'),
        (b'{"stream":true,"a":[1, 2]}', b'{"a":[1, 2],"stream":true}'),
        (b'{"stream":false,"a":1,"stream":false}', b'{"a":1,"stream":true}'),
        (b'{"stream" : null}', b'{"stream":true}'),
        (b"{}", b'{"stream":true}'),
        (b" { } ", b' { "stream":true}'),
        (b'{"a":1}\n ', b'{"a":1,"stream":true}'),
    ],
)
async def test_stream_is_asked_for_once(body: bytes, up: bytes) -> None:
    assert await uploaded(body) == up


@given(BODIES, st.sampled_from([None, 1]), st.booleans())
def test_whatever_is_stored_asks_for_a_stream_and_says_the_same(
    value: dict[str, Any],
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
    value = json.loads(body)
    up = whole(body)
    assert json.loads(up) == {**value, "stream": True}
    if "stream" not in value:
        assert up.startswith(body.rstrip()[:-1].rstrip() if value else b"{")


@pytest.mark.parametrize("odd", [b'{"stream":}', b'{"stream":false,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_what_cannot_be_read_goes_up_for_the_upstream_to_judge(odd: bytes) -> None:
    assert whole(odd) == odd[:-1] + b',"stream":true}'


@pytest.mark.parametrize(("body", "is_one"), [(b"{}", True), (b'\n{"a":1} ', True), (b"{", False), (b"[]", False)])
def test_an_object_looks_like_one(body: bytes, is_one: bool) -> None:  # noqa: FBT001
    assert is_object(body) is is_one


async def test_a_long_body_goes_up_in_pieces() -> None:
    body = b'{"text":"%b"}' % (b"x" * (3 * PIECE_BYTES))
    assert re.fullmatch(rb'\{"text":"x+","stream":true\}', await uploaded(body))
