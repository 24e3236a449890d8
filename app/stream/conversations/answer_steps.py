"""An answer of several turns as a conversation keeps it: what was said and brought before its last Message.

Pure. The rule: as the Messages API takes it again, in order: each Message but the last, and the results that the model
was told. What cannot be written down is left out with all before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.stream.readback.steps import Steps, calls_of
from app.stream.readback.values import parse

# Of a message: the turns before its content, and of its content's calls the results that are there.
STEPS, RESULTS = "steps", "tool_results"


def before(steps: Steps) -> list[dict[str, Any]]:
    """The messages of the Messages API that stand before an answer's last one."""
    found: list[dict[str, Any]] = []
    for message in steps.messages:
        whole = parse(message)
        content = whole.get("content") if isinstance(whole, dict) else None
        if not isinstance(content, list):
            found.clear()
            continue
        found.append({"role": "assistant", "content": content})
        if results := brought(message, steps.results):
            found.append({"role": "user", "content": results})
    return found


def brought(message: bytes, results: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The blocks that answer the calls of a Message, as far as our tools have."""
    return [block for call in calls_of(message) if (block := _block(results.get(call))) is not None]


def _block(told: bytes | None) -> dict[str, Any] | None:
    data = parse(told)
    if not isinstance(data, dict):
        return None
    block = {"type": "tool_result", "tool_use_id": data.get("tool_use_id"), "content": data.get("content")}
    return block | ({"is_error": True} if data.get("is_error") is True else {})


def without_content(message: dict[str, Any]) -> dict[str, Any]:
    """As an event tells of one that is large."""
    return {name: value for name, value in message.items() if name not in (STEPS, RESULTS)} | {"content": None}
