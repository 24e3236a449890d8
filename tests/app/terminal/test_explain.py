"""A stream's story on a terminal: times since its submit, and nothing that steers."""

from __future__ import annotations

from typing import Any

from app.terminal.explain import lines

AT = "2026-11-27T18:49:48.000Z"
TOLD: dict[str, Any] = {
    "id": "st_1",
    "state": "ended",
    "why": "failed: the Claude API answered 529 three times (overloaded_error)",
    "left_out": 0,
    "data": [
        {"at": AT, "event": "stream.submitted", "text": "submitted"},
        {
            "at": "2026-11-27T18:49:48.418Z",
            "event": "call.ended",
            "reason": "x",
            "text": "call 1 failed:\n\x1b[2J gone",
        },
        {"at": "2026-11-27T18:51:03.400Z", "event": "stream.ended", "outcome": "failed", "text": "failed"},
    ],
}


def test_each_entry_is_a_line_with_the_time_since_the_submit() -> None:
    assert [text.plain for text in lines(TOLD)] == [
        f"st_1, ended, submitted {AT}",
        "  +0.000 s  submitted",
        "  +0.418 s  call 1 failed: \N{REPLACEMENT CHARACTER}[2J gone",
        " +1:15 min  failed",
        "\nfailed: the Claude API answered 529 three times (overloaded_error)",
    ]


def test_colour_is_for_what_went_wrong() -> None:
    texts = list(lines(TOLD))
    assert [[span.style for span in text.spans] for text in texts[1:4]] == [[], ["red"], ["red"]]
    assert texts[-1].style == "bold red"
    assert list(lines(TOLD | {"why": "completed: the answer is whole"}))[-1].style == "bold"


def test_a_stream_of_which_nothing_is_told_is_one_too() -> None:
    assert next(text.plain for text in lines(TOLD | {"data": []})) == "st_1, ended"
