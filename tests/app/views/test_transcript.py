"""A conversation as Markdown."""

from __future__ import annotations

from typing import Any

from app.views.transcript import transcript


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


def test_one_without_anything_is_a_heading() -> None:
    assert transcript(None, None, []) == "# Conversation\n"
