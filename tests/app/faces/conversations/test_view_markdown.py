"""A conversation as Markdown."""

from __future__ import annotations

from typing import Any

import pytest

from app.faces.conversations.view_markdown import transcript


def test_what_was_said_stands_there_and_how_it_ended() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image"}]},
        {
            "role": "assistant",
            "outcome": "completed",
            "content": [
                {"type": "thinking", "thinking": "secret"},
                {"type": "text", "text": "I call."},
                {"type": "tool_use", "name": "look", "input": {"a": "```"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "content": "seen"}]},
        {"role": "assistant", "outcome": "failed", "content": [], "error": {"type": "x", "message": "No key."}},
    ]
    assert transcript("A\nB", "one\n\ntwo", messages) == (
        "# A B\n\n> one\n>\n> two\n\n## You\n\nLook\n\n*[image]*\n\n## Claude\n\nI call.\n\n*Calls look:*\n\n"
        '````json\n{"a":"```"}\n````\n\n## You\n\n*Result:*\n\n```\nseen\n```\n\n## Claude\n\n'
        "*The answer failed. No key.*\n"
    )


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("a\n```py\nx = 1", "a\n```py\nx = 1\n```"),
        ("~~~~\n```\n~~~", "~~~~\n```\n~~~\n~~~~"),
        ("````\n```\n```", "````\n```\n```\n````"),
        ("```\na\n``` b", "```\na\n``` b\n```"),
        ("```\na\n````", "```\na\n````"),
        ("```a```", "```a```"),
        ("    ```", "```\n```"),
    ],
)
def test_code_that_was_cut_off_takes_nothing_along(text: str, closed: str) -> None:
    said = [{"role": "assistant", "outcome": "cancelled", "content": [{"type": "text", "text": text}]}]
    assert transcript(None, None, said) == (f"# Conversation\n\n## Claude\n\n{closed}\n\n*The answer was cancelled.*\n")


def test_one_without_anything_is_a_heading() -> None:
    assert transcript(None, None, []) == "# Conversation\n"
