"""What a terminal says of tools: a call in a line, and what came of it in another.

Pure. The rule: a line is code to Markdown and has no backticks, so what a tool gave stays text.
"""

from __future__ import annotations

import json
from typing import Any

TOOL_CHARACTERS = 100
# A shorter time nobody has noticed.
NOTICED_MS = 50


def called(name: object, given: Any) -> str:
    """`clock timezone: Europe/Rome`."""
    if isinstance(given, dict):
        given = ", ".join(f"{key}: {_one_line(value)}" for key, value in given.items())
    return noted(f"{name} {given if isinstance(given, str) else _one_line(given)}")


def gave(name: object, content: Any, *, failed: bool, milliseconds: Any = None) -> str:
    """`clock → 12:00 · 0.2 s`. What does not fit is left out of the middle: the time stands at the end."""
    took = (
        f" · {milliseconds / 1000:.2g} s"
        if isinstance(milliseconds, int | float) and milliseconds >= NOTICED_MS
        else ""
    )
    said = " ".join(_texts(content).split())
    return noted(f"{name} failed: {said}" if failed else f"{name} → {said}", took)


def noted(text: str, end: str = "") -> str:
    line = " ".join(text.replace("`", "'").split())
    room = TOOL_CHARACTERS - len(end)
    return f"`{line if len(line) <= room else line[: room - 1] + '…'}{end}`"


def _texts(content: Any) -> str:
    if not isinstance(content, list):
        return _one_line(content)
    return " ".join(
        str(block.get("text")) if block.get("type") == "text" else f"[{block.get('type')}]"
        for block in content
        if isinstance(block, dict)
    )


def _one_line(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
