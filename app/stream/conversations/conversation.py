"""A conversation as it was read, and what is to happen to one.

Pure. The rule: a conversation is of one moment, its `position`, and a change is one to it as it was at that moment.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.stream import frames
from app.stream.conversations import turns
from app.stream.conversations.versions import Versions
from app.stream.log import State


class Changed(StrEnum):
    """What a change can come to."""

    OK = "ok"
    MOVED = "moved"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it was read at `now`. Times are milliseconds; `messages` only where they were asked for."""

    id: str
    now: int
    position: frames.Position
    meta: Mapping[str, bytes]
    messages: tuple[turns.Message, ...]

    @property
    def owner(self) -> str:
        return self.text("owner") or ""

    @property
    def deleted(self) -> bool:
        return self.meta.get("state") != State.RUNNING.encode()

    @property
    def stream_id(self) -> str | None:
        """The stream that runs, as far as is known here."""
        return self.text("stream")

    @property
    def bytes(self) -> int:
        return self.number("bytes")

    @property
    def life_ms(self) -> int:
        return self.number("life")

    @property
    def versions(self) -> Versions:
        return Versions.read(self.meta.get("versions", b""))

    def text(self, name: str) -> str | None:
        return self.meta.get(name, b"").decode() or None

    def number(self, name: str) -> int:
        return int(self.meta.get(name) or 0)


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a conversation. `keep`: how many of its messages stay, None for all.

    `put`: under which name the others are put away, "" for not at all; `gone`: what was put away goes, by its names.
    """

    events: Sequence[turns.Event]
    keep: int | None = None
    add: Sequence[turns.Message] = ()
    fields: Mapping[str, str | int] = field(default_factory=dict)
    put: str = ""
    gone: Sequence[str] = ()


def new_conversation_id() -> str:
    return "cv_" + secrets.token_hex(16)
