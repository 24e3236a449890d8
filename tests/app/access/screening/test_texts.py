from __future__ import annotations

from typing import Any

import pytest

from app.access.screening.texts import texts_in

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}}


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"messages": [{"content": "a"}, {"content": [{"text": "b"}, {"text": "c"}]}], "system": "d"}, list("abcd")),
        ({"messages": [{"content": [{"content": [{"text": "of a tool"}]}]}]}, ["of a tool"]),
        ({"tools": [{"description": "x", "input_schema": {"enum": ["y"]}}]}, ["x", "y"]),
        ({"unknown": {"deep": [[[{"er": "z"}]]]}, "n": 1, "t": True, "none": None}, ["z"]),
        (PICTURE, ["image", "image/png"]),
        ({"source": {"type": "text", "data": "a document"}}, ["text", "a document"]),
        ({"type": "base64", "data": ["not bytes"]}, ["base64", "not bytes"]),
        ({}, []),
    ],
)
def test_every_text_is_found_but_what_is_bytes(body: Any, texts: list[str]) -> None:
    assert list(texts_in(body)) == texts


def test_depth_is_no_hiding_place() -> None:
    body: Any = "deep"
    for _ in range(100_000):
        body = [body]
    assert list(texts_in(body)) == ["deep"]
    while isinstance(body, list):
        body = body.pop()
