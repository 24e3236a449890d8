"""What a client sends to a conversation: one thing to do, in words that name what is wrong, and the rest untouched."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.faces.conversations.prompt import Mode, description_of, turn_of
from app.intake.prompt import InvalidPromptError
from app.intake.raw_json import fields_of

CONVERSATION = "cv_1"


@pytest.mark.parametrize(
    ("body", "mode", "after"),
    [
        ({"content": "x"}, Mode.SAY, None),
        ({"content": "x", "after": None}, Mode.SAY, ""),
        ({"content": [{"type": "text", "text": "x"}], "after": "a1"}, Mode.SAY, "a1"),
        ({"regenerate": True}, Mode.REGENERATE, None),
        ({"regenerate": True, "after": None}, Mode.REGENERATE, None),
        ({"continue": True}, Mode.CONTINUE, None),
    ],
)
def test_a_turn_is_one_of_three_things(body: dict[str, Any], mode: Mode, after: str | None) -> None:
    turn = turn_of(body, CONVERSATION)
    assert (turn.mode, turn.after) == (mode, after)
    assert list(turn.content) == ([{"type": "text", "text": "x"}] if mode is Mode.SAY else [])


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "send one of"),
        ({"content": "x", "regenerate": True}, "send one of"),
        ({"content": "x", "messages": []}, "messages: "),
        ({"prompt": "x"}, "prompt: "),
        ({"regenerate": False}, "regenerate: "),
        ({"continue": 1}, "continue: "),
        ({"continue": True, "after": "a1"}, "after: "),
        ({"content": "x", "after": 7}, "after: "),
        ({"content": "x", "after": ""}, "after: "),
        ({"content": " "}, "content: "),
        ({"content": []}, "content: "),
        ({"content": ["x"]}, "content.0: "),
        ({"content": [{"type": "text", "text": "\n"}]}, "content: "),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], names: str) -> None:
    with pytest.raises(InvalidPromptError) as refused:
        turn_of(body, CONVERSATION)
    assert str(refused.value).startswith(names)


def test_what_goes_along_stays_as_it_was_sent() -> None:
    turn = turn_of(fields_of(b'{"content":"a","novel":[1E400,123456789012345678901234567890,1.0]}'), CONVERSATION)
    assert {name: bytes(value) for name, value in turn.fields.items()} == {
        "novel": b"[1E400,123456789012345678901234567890,1.0]"
    }


def test_stream_is_accepted_and_means_nothing() -> None:
    assert turn_of({"content": "a", "stream": True}, CONVERSATION).fields == {"stream": msgspec.Raw(b"true")}


def test_the_same_words_are_the_same_turn_in_one_conversation_only() -> None:
    body = {"content": "x", "max_tokens": 3}
    assert turn_of(body, "cv_1").digest == turn_of(dict(reversed(body.items())), "cv_1").digest
    assert turn_of(body, "cv_1").digest != turn_of(body, "cv_2").digest


def test_a_description_is_short_texts_and_null_is_none_of_one() -> None:
    assert description_of(fields_of(b'{"title":" Rivers ","system":null}')) == {"title": "Rivers", "system": ""}


@pytest.mark.parametrize(
    "body", [b'{"colour":"red"}', b'{"title":7}', b'{"title":["x"]}', b'{"title":"' + b"x" * 201 + b'"}']
)
def test_no_other_description_is_taken(body: bytes) -> None:
    with pytest.raises(InvalidPromptError):
        description_of(fields_of(body))


def test_only_what_is_asked_for_may_be_described() -> None:
    with pytest.raises(InvalidPromptError, match="known are title"):
        description_of(fields_of(b'{"system":"x"}'), ("title",))
