"""A conversation as JSON: what it is besides its messages, and all of it for people to read.

Pure. The rule: what is set to nothing is told as null, and a message is told as it is kept.
"""

from __future__ import annotations

from typing import Any

import orjson

from app.faces.conversations.prompt import FIELDS
from app.stream.conversations import turns
from app.stream.conversations.conversation import Conversation


def shown(found: Conversation) -> dict[str, Any]:
    data: dict[str, Any] = {"id": found.id} | {name: found.text(name) for name in FIELDS}
    for name in ("created_at", "updated_at"):
        data[name] = turns.iso(found.number(name))
    if forked := found.text("forked_from"):
        data["forked_from"] = orjson.loads(forked)
    return data


def around(found: Conversation) -> dict[str, Any]:
    """What a conversation is besides its messages."""
    running = found.stream_id
    return shown(found) | {
        "offset": found.position.id,
        "stream_id": running,
        "answer_id": None if running is None else turns.answer_id(running),
    }


def indented(found: Conversation) -> list[bytes]:
    """A conversation for people to read, written message by message: others get their turns in between."""
    begun = orjson.dumps(around(found) | {"messages": []}, option=orjson.OPT_INDENT_2)
    messages = []
    for message in found.messages:
        lines = orjson.dumps(message, option=orjson.OPT_INDENT_2)
        messages += [b",\n    ", lines.replace(b"\n", b"\n    ")]
    if not messages:
        return [begun]
    return [begun.removesuffix(b"]\n}"), messages[0][1:], *messages[1:], b"\n  ]\n}"]
