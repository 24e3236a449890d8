"""Tools in a line each, whatever they were told and gave."""

from __future__ import annotations

from typing import Any

import pytest

from app.terminal.talking.tool_lines import TOOL_CHARACTERS, called, gave


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"zone": "Europe/Rome", "hours": 24}, "`clock zone: Europe/Rome, hours: 24`"),
        ({}, "`clock`"),
        ('{"zone":"Eur', '`clock {"zone":"Eur`'),
        (["東京"], '`clock ["東京"]`'),
    ],
)
def test_a_call(given: Any, line: str) -> None:
    assert called("clock", given) == line


def test_what_came_of_it() -> None:
    assert gave("clock", "12:00\nUTC", failed=False, milliseconds=200) == "`clock → 12:00 UTC · 0.2 s`"
    assert gave("clock", "no clock", failed=True) == "`clock failed: no clock`"
    blocks = [{"type": "text", "text": "12:00"}, {"type": "image", "source": {}}]
    assert gave("clock", blocks, failed=False, milliseconds=0) == "`clock → 12:00 [image]`"


def test_a_tools_words_are_no_markdown_and_not_long() -> None:
    told = gave("t", "`# x`\n" * 50, failed=True, milliseconds=5000)
    assert told.startswith("`t failed: '# x'")
    assert told.endswith("… · 5 s`")
    assert len(told) == TOOL_CHARACTERS + 2
    assert "\n" not in told
