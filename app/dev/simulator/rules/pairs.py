"""What the API refuses in a loop of tools, in its words: each call needs its result right after it, each result its
call right before it, and the thinking before a call comes back as it was. Pure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app.dev.simulator.answer.calling import AFTER_THINKING, PREFIX
from app.dev.simulator.answer.hearing import asked_at, blocks
from app.dev.simulator.answer.thoughts import REDACTED, signature
from app.dev.simulator.rules.errors import ApiError

Message = Mapping[str, Any]
_THINKING = ("thinking", "redacted_thinking")


def check_pairs(messages: Sequence[Message]) -> None:
    """Raises ApiError."""
    _check_blocks(messages)
    seen: set[Any] = set()
    for number, message in enumerate(messages):
        before = messages[number - 1] if number else {}
        called = _calls(before) if before.get("role") == "assistant" else []
        _check_results(number, message, called)
        for place, use in enumerate(_calls(message)):
            if use in seen:
                raise ApiError(400, f"messages.{number}.content.{place}: `tool_use` ids must be unique")
            seen.add(use)
    if messages and (waiting := _calls(messages[-1])):
        raise ApiError(400, _unanswered(len(messages) - 1, waiting))
    for number in range(asked_at(messages) + 1, len(messages)):
        _check_thinking_is_there(number, messages[number])


def _calls(message: Message) -> list[Any]:
    if message.get("role") != "assistant":
        return []
    return [block.get("id") for block in blocks(message) if block.get("type") == "tool_use"]


def _check_results(number: int, message: Message, called: Sequence[Any]) -> None:
    found = blocks(message)
    given = [block.get("tool_use_id") for block in found if block.get("type") == "tool_result"]
    for place, block in enumerate(found):
        if block.get("type") == "tool_result" and block.get("tool_use_id") not in called:
            raise ApiError(
                400,
                f"messages.{number}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{block.get('tool_use_id')}. Each `tool_result` block must have a corresponding `tool_use` block in "
                "the previous message.",
            )
    leading = set()
    for block in found:
        if block.get("type") != "tool_result":
            break  # results come first: what stands behind another block is none
        leading.add(block.get("tool_use_id"))
    if missing := [use for use in called if use not in leading]:
        raise ApiError(400, _unanswered(number - 1, missing))
    if doubled := [use for use, times in Counter(given).items() if times > 1]:
        raise ApiError(
            400,
            f"messages.{number}.content: each tool_use must have a single result. Found multiple `tool_result` blocks "
            f"with id: {doubled[0]}",
        )


def _unanswered(number: int, missing: Sequence[Any]) -> str:
    return (
        f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(map(str, missing))}. Each `tool_use` block must have a corresponding `tool_result` block in the "
        "next message."
    )


def _check_blocks(messages: Sequence[Message]) -> None:
    for number, message in enumerate(messages):
        for place, block in enumerate(blocks(message)):
            at = f"messages.{number}.content.{place}"
            match block.get("type"):
                case "tool_use" if not isinstance(block.get("input"), dict):
                    raise ApiError(400, f"{at}.tool_use.input: Input should be a valid dictionary")
                case "tool_use" if not isinstance(block.get("id"), str):
                    raise ApiError(400, f"{at}.tool_use.id: Field required")
                case "tool_result" if not isinstance(block.get("tool_use_id"), str):
                    raise ApiError(400, f"{at}.tool_result.tool_use_id: Field required")
                case "tool_result" if not isinstance(block.get("content", ""), str | list):
                    raise ApiError(400, f"{at}.tool_result.content: Input should be a valid string or list")
                case "tool_result" if block.get("is_error") and not block.get("content"):
                    raise ApiError(400, f"{at}.tool_result: content cannot be empty if `is_error` is true")
                case "thinking" if block.get("signature") != signature(str(block.get("thinking"))):
                    raise ApiError(400, f"{at}: Invalid `signature` in `thinking` block")
                case "redacted_thinking" if block.get("data") != REDACTED:
                    raise ApiError(400, f"{at}: Invalid `data` in `redacted_thinking` block")


def _check_thinking_is_there(number: int, message: Message) -> None:
    """Of the turns since somebody last said something: the API asks for the thinking of these alone."""
    thought = any(str(use).startswith(PREFIX + AFTER_THINKING) for use in _calls(message))
    first = blocks(message)[0].get("type") if thought else None
    if thought and first not in _THINKING:
        raise ApiError(
            400,
            f"messages.{number}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. When "
            "`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the "
            "lastmost set of `tool_use` and `tool_result` blocks).",
        )
