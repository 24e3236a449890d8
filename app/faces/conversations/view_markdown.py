"""A conversation as Markdown, for people to keep.

Pure. The rule: what was said stands there as it was said; what is no text is named; how an answer ended is told where
it did not simply end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from app.stream.conversations.answer_steps import RESULTS, STEPS

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_NAMES = {"user": "You", "assistant": "Claude"}
_ENDINGS = {
    "truncated": "The answer was cut at its limit.",
    "cancelled": "The answer was cancelled.",
    "refused": "Claude declined to answer.",
    "failed": "The answer failed.",
    "expired": "The answer took too long.",
}


def transcript(title: str | None, system: str | None, messages: Sequence[dict[str, Any]]) -> str:
    parts = [f"# {' '.join((title or 'Conversation').split())}"]
    if system:
        parts.append("\n".join(f"> {line}".rstrip() for line in system.splitlines()))
    for message in messages:
        parts.append(f"## {_NAMES.get(message['role'], message['role'])}")
        parts += [shown for block in _said(message) if (shown := _block(block))]
        if ending := _ENDINGS.get(message.get("outcome", "")):
            error = message.get("error") or {}
            parts.append(f"*{ending}{' ' + str(error['message']) if error.get('message') else ''}*")
    return "\n\n".join(parts) + "\n"


def _said(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All blocks of a message, in the order in which they came."""
    for step in message.get(STEPS, []):
        yield from step["content"]
    yield from message["content"]
    yield from message.get(RESULTS, [])


def _block(block: dict[str, Any]) -> str:
    match block.get("type"):
        case "text":
            return _closed(str(block.get("text") or "").strip())
        case "thinking" | "redacted_thinking":
            return ""
        case "tool_use" | "server_tool_use":
            return f"*Calls {block.get('name')}:*\n\n{_fenced(orjson.dumps(block.get('input')).decode(), 'json')}"
        case "tool_result":
            content = block.get("content")
            text = content if isinstance(content, str) else orjson.dumps(content).decode()
            return f"*Result:*\n\n{_fenced(text)}"
        case kind:
            return f"*[{kind}]*"


def _closed(text: str) -> str:
    """Text that was cut off in the middle of code does not take along what follows it."""
    fence = ""
    for line in text.splitlines():
        if found := _FENCE.match(line):
            mark, rest = found.groups()
            if not fence:
                fence = mark if mark[0] == "~" or "`" not in rest else ""
            elif mark.startswith(fence) and not rest.strip():
                fence = ""
    return f"{text}\n{fence}" if fence else text


def _fenced(text: str, language: str = "") -> str:
    """A block of code, with a fence longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
