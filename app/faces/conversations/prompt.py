"""What a client may send to a conversation: a turn, and what the conversation is described with.

Pure. The rule: a conversation keeps its messages itself, so a turn is one of three things to do with them; all else in
it is the Messages API's and is handed on as it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.intake import attachments
from app.intake.calls.results import Result, results_of
from app.intake.prompt import InvalidPromptError, digest_of
from app.intake.raw_json import Fields, built, kind_of, raw, read, size
from app.intake.unknown import unknown

# What a conversation is described with, and how many characters each may have.
FIELDS = {"title": 200, "system": 100_000, "model": 256}
# The most that one of them takes as JSON: a pair of escapes.
ESCAPED_BYTES = 12
_OURS = ("content", "after", "regenerate", "continue")
_KEPT = ("messages", "prompt")


class Mode(StrEnum):
    SAY = "say"
    REGENERATE = "regenerate"
    CONTINUE = "continue"
    RESULTS = "results"


@dataclass(frozen=True, slots=True)
class Turn:
    """A checked request. `after` is None for the end, and '' for the very start.

    `fields` are the Messages API's, as they were sent; `size` is what was sent in all, in bytes. `results` are what the
    client's own tools brought.
    """

    mode: Mode
    content: Sequence[dict[str, Any]]
    after: str | None
    fields: Fields
    digest: str
    size: int = 0
    results: Sequence[Result] = ()


def turn_of(sent: Mapping[str, Any], conversation_id: str) -> Turn:
    """The turn in the body of a request, of bytes (`fields_of`) or values. Raises `InvalidPromptError`."""
    body = {name: raw(value) for name, value in sent.items()}
    digest = digest_of(body, conversation_id)
    for name in _KEPT:
        if name in body:
            raise InvalidPromptError(f"{name}: a conversation keeps its messages itself; send content")
    for name in ("regenerate", "continue"):
        if name in body and kind_of(body[name]) != "true":
            raise InvalidPromptError(f"{name}: must be true, or not be there")
    asked = [name for name in ("content", "regenerate", "continue") if name in body]
    if len(asked) != 1:
        raise InvalidPromptError("send one of content, regenerate and continue")
    mode = Mode(asked[0]) if asked[0] != "content" else Mode.SAY
    if mode is Mode.CONTINUE and "after" in body:
        raise InvalidPromptError("after: goes with content or regenerate")
    after = built("after", body["after"]) if "after" in body else None
    if after is not None and not (isinstance(after, str) and after):
        raise InvalidPromptError("after: must be the id of a message, or null")
    if mode is Mode.SAY and "after" in body and after is None:
        after = ""
    content = _content(built("content", body["content"])) if mode is Mode.SAY else []
    fields = {name: value for name, value in body.items() if name not in _OURS}
    return Turn(mode, content, after, fields, digest, size(body.values()))


def results_turn(sent: Fields, conversation_id: str) -> Turn:
    """The turn in the body of a request that brings results of tools. Raises `InvalidPromptError`."""
    for name in (*_KEPT, *_OURS):
        if name in sent:
            raise InvalidPromptError(f"{name}: goes with /messages; here results are sent")
    results = results_of(sent.get("results"))
    built("results", sent["results"])  # they are kept as values
    fields = {name: value for name, value in sent.items() if name != "results"}
    digest = digest_of(sent, conversation_id)
    return Turn(Mode.RESULTS, [], None, fields, digest, size(sent.values()), results)


def version_of(body: Fields) -> str:
    """The message that is to be shown again. Raises `InvalidPromptError`."""
    for name in body:
        if name != "message_id":
            raise InvalidPromptError(unknown(name, ("message_id",)))
    message_id = built("message_id", body["message_id"]) if "message_id" in body else None
    if not isinstance(message_id, str):
        raise InvalidPromptError("message_id: must be the id of a message of this conversation")
    return message_id


def description_of(body: Fields, known: tuple[str, ...] = tuple(FIELDS)) -> dict[str, str]:
    """What a conversation is described with; null as ''. Raises `InvalidPromptError`."""
    found: dict[str, str] = {}
    for name, sent in body.items():
        if name not in known:
            raise InvalidPromptError(unknown(name, known))
        fits = kind_of(sent) in ("string", "null") and size((sent,)) <= FIELDS[name] * ESCAPED_BYTES + 2
        value = read(sent) if fits else False
        if value is not None and not (isinstance(value, str) and len(value) <= FIELDS[name]):
            raise InvalidPromptError(f"{name}: must be a text of at most {FIELDS[name]} characters, or null")
        found[name] = (value or "").strip()
    return found


def _content(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        if not content.strip():
            raise InvalidPromptError("content: must not be empty")
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not content:
        raise InvalidPromptError("content: must be a text or a list of content blocks that is not empty")
    for n, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise InvalidPromptError(f"content.{n}: must be an object with a type")
        attachments.check(block, f"content.{n}")
    if all(block["type"] == "text" and not str(block.get("text") or "").strip() for block in content):
        raise InvalidPromptError("content: must not be empty")
    return content
