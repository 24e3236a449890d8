"""What a model is told of a value: as it is, or what is wrong with it, and never more than has room."""

from __future__ import annotations

import dataclasses
import enum
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.tools.running.answer import BLOCKS_MAX, WORDS_MAX, Blocks, content_of, fault

ROOM = 4_096
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


@dataclasses.dataclass
class Point:
    x: int


class Model(pydantic.BaseModel):
    when: datetime


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, "null"),
        (3, "3"),
        ({"ä": [1, 2.5, None, True]}, '{"ä":[1,2.5,null,true]}'),
        ([], "[]"),
        ((1, 2), "[1,2]"),
        ({1}, "[1]"),
        (Point(1), '{"x":1}'),
        (Model(when=datetime(2026, 1, 1, tzinfo=UTC)), '{"when":"2026-01-01T00:00:00Z"}'),
        (
            {"at": datetime(2026, 1, 1, tzinfo=UTC), "c": Colour.RED, "p": Path("/a")},
            '{"at":"2026-01-01T00:00:00+00:00","c":"red","p":"/a"}',
        ),
        ([text("a"), IMAGE], [text("a"), IMAGE]),
        ([text("a"), text(" ")], [text("a")]),
        ([{"type": "text", "text": 1}], '[{"type":"text","text":1}]'),
        ([{"type": "table", "rows": []}], '[{"type":"table","rows":[]}]'),
        ([text("a"), 1], '[{"type":"text","text":"a"},1]'),
    ],
)
def test_what_it_is_told_as(value: object, told: object) -> None:
    content = content_of(value, ROOM)
    assert (orjson.loads(content.json), content.is_error) == (told, False)


def circle() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


def deep() -> object:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [b"bytes", float("nan"), [float("-inf")], circle(), deep(), object(), {"a": object()}, "\ud83d", {"a": "\udc00"},
     [text("\ud83d")], {(1, 2): 1}, iter([]), Point],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_json_is_told_as_that(value: object) -> None:
    content = content_of(value, ROOM)
    assert content.is_error
    assert "cannot be told" in orjson.loads(content.json)


@given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\0\n"ä😀'), max_size=200), st.integers(1, 400)
)
def test_a_text_that_is_too_large_is_clipped_and_says_so(words: str, times: int) -> None:
    whole = words * times
    content = content_of(whole, 1_024)
    assert len(content.json) <= 1_024
    told = orjson.loads(content.json)
    assert content.is_error == (told != whole)
    if content.is_error:
        shown, _, note = told.rpartition("\n[clipped")
        assert whole.startswith(shown)
        assert f"{len(whole)} characters, of which {len(shown)}" in note
        assert len(orjson.dumps(shown)) > 300


def test_of_blocks_those_that_have_room_are_kept_and_the_rest_is_counted() -> None:
    large = {**IMAGE, "source": {**IMAGE["source"], "data": "a" * 5_000}}  # type: ignore[dict-item]
    told = orjson.loads(content_of([text("a"), large, text("b")], ROOM).json)
    assert told[0] == text("a")
    assert "2 of 3 blocks" in told[-1]["text"]
    clipped = content_of([text("a"), text("b" * 5_000)], ROOM)
    assert len(clipped.json) <= ROOM
    assert "characters" in orjson.loads(clipped.json)[-1]["text"]
    many = content_of([text("a")] * (BLOCKS_MAX + 5), 1_000_000)
    assert many.is_error
    assert len(orjson.loads(many.json)) == BLOCKS_MAX + 1


def test_whose_blocks_say_that_they_are_a_fault_they_stay_one() -> None:
    assert content_of(Blocks([text("no such file")], is_error=True), ROOM).is_error
    assert orjson.loads(content_of(Blocks([]), ROOM).json) == []


def test_words_of_a_fault_are_few_and_valid() -> None:
    content = fault("x" * 10_000 + "\ud83d", ROOM)
    assert content.is_error
    assert len(orjson.loads(content.json)) == WORDS_MAX + 1
