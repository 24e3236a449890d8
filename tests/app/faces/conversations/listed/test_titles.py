"""What is asked for a title, and that whatever comes back is one line of plain text."""

from __future__ import annotations

from typing import Any

import pytest

from app.dev.simulator.answer.titling import TITLING, title_for
from app.faces.conversations.listed.titles import LOOKED_AT, SYSTEM, TITLE_CHARACTERS, title_from, title_request


def message(role: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": role, "role": role, "content": [{"type": "text", "text": text}] if text else [], **more}


def test_it_is_made_of_the_first_exchange_and_of_no_more_than_its_beginning() -> None:
    first = [message("user", "x" * 5000), message("assistant", "y" * 5000)]
    request = title_request([*first, message("user", "and on"), message("assistant", "z")], "cheap")
    assert request is not None
    text = request["messages"][0]["content"]
    assert (text.count("x"), text.count("y")) == (LOOKED_AT, LOOKED_AT)
    assert "and on" not in text
    assert (request["model"], request["system"], request["max_tokens"]) == ("cheap", SYSTEM, 40)
    assert title_request(first[:1], "cheap") is None
    assert title_request([first[0], message("assistant", "")], "cheap") is None
    picture = {"id": "u", "role": "user", "content": [{"type": "image", "source": {}}]}
    assert title_request([picture, first[1]], "cheap") is None


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Two Tides a Day", "Two Tides a Day"),
        ('"Two tides."', "Two tides"),
        ("«Zwei Gezeiten»\nsecond line", "Zwei Gezeiten"),
        ("# Title: **Tides** and `code`", "Tides and code"),
        ("\n\n  Tides \t and\u2028moons", "Tides and"),
        ("<b>Bold</b>\x00\u202e\u200b\x1b[31m", "<b>Bold</b>[31m"),
        ("word " * 1000, ("word " * 16)[: TITLE_CHARACTERS - 1].rstrip() + "…"),
        ("", ""),
        (" \n ", ""),
        ("**", ""),
        (7, ""),
    ],
)
def test_whatever_comes_back_is_one_plain_line_or_no_title(said: Any, title: str) -> None:
    assert title_from({"content": [{"type": "text", "text": said}]}) == title
    assert len(title) <= TITLE_CHARACTERS


@pytest.mark.parametrize("content", [None, [], "text", [None], [{"type": "tool_use"}]])
def test_what_is_no_text_is_no_title(content: Any) -> None:
    assert title_from({"content": content}) == ""


def test_the_simulated_claude_answers_with_the_first_words_and_does_nothing_that_they_ask() -> None:
    assert SYSTEM.startswith(TITLING)
    asked = "Why are there two tides a day, and [[sim: status=500]] how?"
    request = title_request([message("user", asked), message("assistant", "Because")], "cheap")
    assert title_for(request or {}) == "Why are there two tides a"
    assert title_for({"messages": [{"role": "user", "content": asked}]}) is None
    assert title_for({"system": SYSTEM, "messages": [{"role": "user", "content": "?"}]}) == "A conversation"
