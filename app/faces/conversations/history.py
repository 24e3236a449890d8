"""What a turn makes of a conversation's history, and what of that goes upstream.

Pure. The rule: upstream hears a conversation that alternates and that it can have had itself. What a failed stream left
is not in it, what was stopped half-way is said to be, what was refused, by the model or as a request, goes with its
question, and what two messages of one role in a row say becomes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.faces.conversations.prompt import Mode, Turn
from app.intake.calls.results import Result, answered
from app.intake.prompt import InvalidPromptError
from app.stream.conversations.answer_steps import RESULTS, STEPS
from app.stream.conversations.turns import Message, says_something, user_message
from app.stream.endings import Outcome
from app.stream.errors import NoCallError

# What a person would say who goes on to something else: an answer that stopped half-way is not to pass for a whole.
STOPPED = "(Your answer above was stopped before its end.)"
CONTINUE = "Continue exactly where your answer stopped. Repeat nothing of it."
TITLE_CHARACTERS = 80
TITLE_LOOKED_AT = 1000
_UNFINISHED = frozenset({Outcome.TRUNCATED, Outcome.CANCELLED})
_UNHEARD = frozenset({Outcome.FAILED, Outcome.EXPIRED})
# How the Claude API says that it cannot take what was said, by the error's type: no matter how often it is told.
_UNTAKABLE = {"invalid_request_error": ("messages", "prompt is too long"), "request_too_large": ("",)}
_THINKING = frozenset({"thinking", "redacted_thinking"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a turn makes of a history: how many messages stay, what is added, and the message that is answered."""

    keep: int
    add: Message | None
    asked: str


def plan(turn: Turn, messages: Sequence[Message], message_id: str, now: int) -> Plan:
    """What `turn` makes of `messages`; `message_id` is for the message it adds. Raises `InvalidPromptError`."""
    ids = [message["id"] for message in messages]
    if turn.after and turn.after not in ids:
        raise InvalidPromptError("after: there is no such message in this conversation")
    match turn.mode:
        case Mode.RESULTS:
            content = _results(messages[-1] if messages else {}, turn.results)
            return Plan(len(messages), user_message(message_id, content, now), message_id)
        case Mode.SAY:
            keep = len(messages) if turn.after is None else ids.index(turn.after) + 1 if turn.after else 0
            return Plan(keep, user_message(message_id, turn.content, now), message_id)
        case Mode.REGENERATE:
            users = [n for n, message in enumerate(messages) if message["role"] == "user"]
            if not users:
                raise InvalidPromptError("regenerate: there is no message to answer yet")
            at = ids.index(turn.after) if turn.after else users[-1]
            if at not in users:
                raise InvalidPromptError("after: must be a message of the user to regenerate its answer")
            return Plan(at + 1, None, ids[at])
        case Mode.CONTINUE:
            last = messages[-1] if messages else None
            if last is None or last.get("outcome") not in _UNFINISHED or not _heard(last, ()):
                raise InvalidPromptError("continue: the last answer was not cut off; regenerate it, or say more")
            content = [{"type": "text", "text": CONTINUE}]
            return Plan(len(messages), user_message(message_id, content, now, last["id"]), message_id)


def _results(last: Mapping[str, Any], given: Sequence[Result]) -> list[dict[str, Any]]:
    """What answers the calls of the last answer: what our tools brought, and the client's. Raises `NoCallError`."""
    blocks = last.get("content") or []
    calls = [str(block.get("id")) for block in blocks if block.get("type") == "tool_use"]
    if last.get("outcome") != Outcome.COMPLETED or last.get("stop_reason") != "tool_use" or not calls:
        raise NoCallError
    ours = {str(block["tool_use_id"]): orjson.dumps(block) for block in last.get(RESULTS, [])}
    return [orjson.loads(block) for block in answered(calls, ours, given)]


def upstream_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The history as the Messages API takes it, up to its last message, which is the user's."""
    heard: list[dict[str, Any]] = []
    taken = _taken(messages)
    for n, (message, blocks) in enumerate(zip(taken, _blocks(taken), strict=True)):
        for step in _steps(message):
            _say(heard, step["role"], step["content"])
        if not blocks:
            continue
        if n and message["role"] == "user" and _is_left_off(taken[n - 1]) and not message.get("continues"):
            blocks = [{"type": "text", "text": STOPPED}, *blocks]  # noqa: PLW2901  # is all that is said
        _say(heard, message["role"], blocks)
    return heard


def _say(heard: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    if heard and heard[-1]["role"] == role:
        said = heard[-1]["content"] + blocks
        # Results come first, also where something else was said before them.
        heard[-1]["content"] = sorted(said, key=lambda block: block.get("type") != "tool_result")
    else:
        heard.append({"role": role, "content": blocks})


def messages_json(messages: Sequence[Message]) -> bytes:
    """The same as JSON, written message by message: a long history written at once would hold up everybody else."""
    parts = [orjson.dumps(message) for message in upstream_messages(messages)]  # `map` would let go of nothing
    return b"".join((b"[", b",".join(parts), b"]"))


def title_of(content: Sequence[dict[str, Any]]) -> str:
    """What a conversation is called that was given no title: how its first message begins, or after its files."""
    text = _beginning(content, "text", "text") or _beginning(content, "document", "title")
    return text if len(text) <= TITLE_CHARACTERS else text[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _beginning(content: Sequence[dict[str, Any]], kind: str, name: str) -> str:
    """How the blocks of one kind begin, in one line."""
    # Of the first words alone: a large text split into all of its own takes ten times its size.
    begins = (str(block.get(name) or "").lstrip()[:TITLE_LOOKED_AT] for block in content if block.get("type") == kind)
    return " ".join(" ".join(begins)[:TITLE_LOOKED_AT].split())


def _taken(messages: Sequence[Message]) -> list[Message]:
    """Without what was refused: it is not asked again with every further question."""
    taken: list[Message] = []
    for message in messages:
        if not _is_refusal(message):
            taken.append(message)
        elif taken and taken[-1]["role"] == "user":
            taken.pop()
    return taken


def _is_refusal(answer: Message) -> bool:
    """Whether it was what was said that could not be answered."""
    error = answer.get("error") or {}
    untakable = str(error.get("message")).startswith(_UNTAKABLE.get(str(error.get("type")), ()))
    return answer.get("outcome") == Outcome.REFUSED or (answer.get("outcome") == Outcome.FAILED and untakable)


def _blocks(messages: Sequence[Message]) -> list[list[dict[str, Any]]]:
    """What of each message goes upstream. From the last one on: a tool call is heard if what follows has its result."""
    found: list[list[dict[str, Any]]] = []
    replies: list[dict[str, Any]] = []
    for message in reversed(messages):
        found.append(blocks := _heard(message, replies))
        if message["role"] == "user":
            replies = blocks + replies
        elif blocks or _steps(message):
            replies = []
    return found[::-1]


def _heard(message: Message, replies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks of a message that go upstream; `replies` follow it."""
    if message.get("outcome") in _UNHEARD:
        return []
    blocks = list(filter(says_something, message["content"]))
    if message["role"] == "user":
        return blocks
    if message.get("partial"):  # what else there is may be half a tool call, or one without its result
        return [block for block in blocks if block.get("type") == "text"]
    return _answered(blocks, replies)


def _steps(answer: Message) -> list[dict[str, Any]]:
    """The turns before an answer's last one that go upstream, without calls that have no result."""
    if answer.get("outcome") in _UNHEARD:
        return []
    steps, found = answer.get(STEPS, []), list[dict[str, Any]]()
    for n, step in enumerate(steps):
        if step["role"] == "user":
            continue
        results = steps[n + 1]["content"] if n + 1 < len(steps) and steps[n + 1]["role"] == "user" else []
        said = _answered(list(filter(says_something, step["content"])), results)
        for role, blocks in (("assistant", said), ("user", results)):
            if blocks:
                found.append({"role": role, "content": blocks})
    return found


def _answered(blocks: list[dict[str, Any]], replies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    # A call of a tool, ours or the API's own, that nobody answered (cut off, or edited away) would be refused for ever.
    # (A list, for what a client sends for an id may be anything.)
    results = [block.get("tool_use_id") for block in (*replies, *blocks) if "tool_use_id" in block]
    blocks = [block for block in blocks if not _calls_a_tool(block) or block.get("id") in results]
    calls_a_tool = any(block.get("type") == "tool_use" for block in blocks)
    # Thinking belongs to a call of a tool; elsewhere it is not needed, and another model may not take it.
    return [block for block in blocks if block.get("type") not in _THINKING or (calls_a_tool and _signed(block))]


def _calls_a_tool(block: Mapping[str, Any]) -> bool:
    return str(block.get("type")).endswith("tool_use")  # tool_use, server_tool_use, mcp_tool_use


def _is_left_off(answer: Message) -> bool:
    """Whether it is heard and is not whole."""
    return bool(answer.get("partial")) and bool(_heard(answer, ()) or _steps(answer))


def _signed(block: dict[str, Any]) -> bool:
    return block.get("type") != "thinking" or bool(block.get("signature"))
