"""Half of a surrogate pair passes through, and what is too deep for a parser is refused, whichever parser it is."""

from __future__ import annotations

import contextlib

import pytest

from app import surrogates
from app.faces.chat.view import UIMessagesView
from app.stream.frames import encode, origin

HALF = "\\ud800"


@pytest.mark.parametrize("text", ['"\\ud800"', '{"a":["\\udc00x"]}', '"\\ud83d\\ude00"'])
def test_half_a_pair_comes_out_as_it_came_in(text: str) -> None:
    assert surrogates.loads(surrogates.dumps(surrogates.loads(text))) == surrogates.loads(text)


@pytest.mark.parametrize("text", ["x", HALF])
@pytest.mark.parametrize("depth", [1000, 1024, 100_000])
def test_what_is_too_deep_is_no_fault_but_a_refusal(depth: int, text: str) -> None:
    with contextlib.suppress(ValueError):
        surrogates.loads(deep(depth, text))


def deep(depth: int, text: str) -> str:
    return f'{{"s":"{text}","a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


@pytest.mark.parametrize("depth", [1000, 1024])
def test_an_event_that_is_too_deep_stops_no_chat(depth: int) -> None:
    """A worker takes it, as the API's own clients do."""
    block = deep(depth - 1, HALF)
    start = f'{{"index":0,"content_block":{block}}}'
    log, *_ = encode(b"content_block_start", start.encode(), *origin("st_deep"))
    view = UIMessagesView("st_deep", "msg")
    view.take(log)
    assert not view.over
