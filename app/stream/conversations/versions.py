"""Versions: what an edit or a regeneration took the place of, kept beside the branch that is active.

Pure. The rule: what was put away is a path that hangs on a message (or on the very beginning, which is ''); the ways on
from a message are its versions, oldest first, and the active one is among them. A path that hangs on another was put
away before it, so whoever drops the oldest first leaves none that hangs on nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from app.stream.conversations.answer_steps import STEPS

# What stands in the meta of these is read with every look at a conversation.
PATHS_MOST = 50
# How a message begins in the JSON that it is kept as.
_ID = b'{"id":"'


@dataclass(frozen=True, slots=True)
class Versions:
    """`paths`: what is put away, by the id of its first message, with its bytes, the last put away last. `ways`: the
    ids of the messages that follow one, where there are several.
    """

    paths: Mapping[str, int] = field(default_factory=dict)
    ways: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: bytes) -> Versions:
        return cls(*orjson.loads(text)) if text else cls()

    def written(self) -> str:
        return orjson.dumps([self.paths, self.ways]).decode() if self.ways else ""

    @property
    def size(self) -> int:
        """All that is put away, in bytes."""
        return sum(self.paths.values())

    def of(self, before: str, message_id: str) -> list[str]:
        """The versions of the message that follows `before`; none for one that is the only one."""
        ways = list(self.ways.get(before, ()))
        return ways if message_id in ways else []

    def before(self, first: str) -> str:
        """The message on which a path hangs."""
        return next(before for before, ways in self.ways.items() if first in ways)

    def put(self, before: str, first: str, size: int) -> Versions:
        """The active branch from `first` on is put away."""
        ways = list(self.ways.get(before, ()))
        ways = ways if first in ways else [*ways, first]
        return Versions({**self.paths, first: size}, {**self.ways, before: ways})

    def add(self, before: str, message_id: str) -> Versions:
        """Another message follows `before`, where one does or did."""
        if before not in self.ways:
            return self
        return replace(self, ways={**self.ways, before: [*self.ways[before], message_id]})

    def take(self, first: str) -> Versions:
        """A path is active again."""
        return replace(self, paths={one: size for one, size in self.paths.items() if one != first})

    def forget(self, *ids: str) -> Versions:
        """There are no such messages any more."""
        left = {before: [one for one in ways if one not in ids] for before, ways in self.ways.items()}
        paths = {one: size for one, size in self.paths.items() if one not in ids}
        # The only way on from a message needs no telling; that of a path that hangs there does.
        ways = {before: on for before, on in left.items() if len(on) > 1 or any(one in paths for one in on)}
        return Versions(paths, ways)

    def within(self, room: int) -> tuple[Versions, list[str]]:
        """As much as there is room for, in bytes, and the paths that are left out: those put away first."""
        paths, total, left_out = list(self.paths), self.size, 0
        while left_out < len(paths) and (total > room or len(paths) - left_out > PATHS_MOST):
            total -= self.paths[paths[left_out]]
            left_out += 1
        gone = paths[:left_out]
        return (self.forget(*gone) if gone else self), gone

    def marked(self, messages: Sequence[dict[str, Any]], before: str = "") -> list[dict[str, Any]]:
        """The messages that follow `before`, each that has others beside it with its versions."""
        told = []
        for message in messages:
            versions = self.of(before, message["id"])
            told.append({**message, "versions": versions} if versions else message)
            before = message["id"]
        return told

    def marked_raw(self, messages: Sequence[bytes]) -> list[bytes]:
        """The same for a whole history in the JSON that it is kept as: of each message its id comes first."""
        if not self.ways:
            return list(messages)
        before, told = "", []
        for message in messages:
            message_id = message[len(_ID) : message.index(b'"', len(_ID))].decode() if message.startswith(_ID) else ""
            versions = self.of(before, message_id)
            told.append(message[:-1] + b',"versions":' + orjson.dumps(versions) + b"}" if versions else message)
            before = message_id
        return told


def is_worth_keeping(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether what is dropped says anything: an answer that failed before its first word does not."""
    return any(message["content"] or message.get(STEPS) for message in messages)
