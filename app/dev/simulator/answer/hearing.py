"""What the messages of a request say: who asked for what last, which turn comes since then, what tools were told.

Pure, and all that the simulator knows of a conversation: it remembers none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.dev.simulator.prompts import OPENING

Messages = Sequence[Mapping[str, Any]]


def blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A message's content blocks; a text by itself is one."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or () if isinstance(block, Mapping)]


def text(message: Mapping[str, Any]) -> str:
    return "\n".join(texts(blocks(message)))


def texts(found: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(block["text"]) for block in found if block.get("type") == "text" and block.get("text")]


def last_user(messages: Messages) -> Mapping[str, Any]:
    return next((message for message in reversed(messages) if message.get("role") == "user"), {})


def asked_at(messages: Messages) -> int:
    """The place of the last user message that has a text: what set a loop of tools going. 0 if there is none."""
    places = (n for n in range(len(messages) - 1, -1, -1) if messages[n].get("role") == "user" and text(messages[n]))
    return next(places, 0)


def directive_text(messages: Messages) -> tuple[str, int]:
    """Where directives are looked for, and the turn (from 1) that comes since then: each message that only brings
    results of tools, and an answer that paused in the midst of the API's own tools, is followed by another turn.
    """
    start = asked_at(messages)
    since = messages[start + 1 :]
    rounds = sum(message.get("role") == "user" for message in since)
    paused = any(block.get("type") == "server_tool_use" for block in blocks(since[-1])) if since else False
    return text(messages[start]), 1 + rounds + (paused and since[-1].get("role") == "assistant")


def demanding_text(messages: Messages) -> tuple[str, int]:
    """As `directive_text`, where answers are corrected: the last user message with directives, whatever was said since,
    and the turn that comes, each answer since then being one.
    """
    for number in range(len(messages) - 1, -1, -1):
        if messages[number].get("role") == "user" and OPENING in (found := text(messages[number])):
            return found, 1 + sum(message.get("role") == "assistant" for message in messages[number:])
    return directive_text(messages)


def results_of(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [block for block in blocks(message) if block.get("type") == "tool_result"]


def rounds_of_results(messages: Messages) -> int:
    """How many messages brought results of tools since somebody last said something, that one included."""
    return sum(bool(results_of(message)) for message in messages[asked_at(messages) :] if message.get("role") == "user")


def told(messages: Messages) -> list[dict[str, Any]]:
    """All results since somebody last said something, each with the call that it answers, as they were told."""
    calls = {
        block.get("id"): block for message in messages for block in blocks(message) if block.get("type") == "tool_use"
    }
    found = []
    for message in messages[asked_at(messages) :]:
        for result in results_of(message):
            call = calls.get(result.get("tool_use_id"), {})
            found.append(
                {
                    "tool_use_id": result.get("tool_use_id"),
                    "name": call.get("name"),
                    "input": call.get("input"),
                    "content": result.get("content"),
                    "is_error": bool(result.get("is_error")),
                }
            )
    return found
