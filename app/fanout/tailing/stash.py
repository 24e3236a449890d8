"""Messages of which nothing could be made when they came: the log is read, and then something can.

Pure. The rule: they are few, for whatever is not kept is in the log.
"""

from __future__ import annotations

# More than this, and the log is simply read once more.
STASH_LIMIT = 64


class Stash:
    """`waits`: whether there was any since it was last asked."""

    __slots__ = ("_messages", "waits")

    def __init__(self) -> None:
        self._messages: list[tuple[int, bytes]] = []
        self.waits = False

    def put(self, start: int, data: bytes) -> None:
        self.waits = True
        if len(self._messages) < STASH_LIMIT:
            self._messages.append((start, data))

    def take(self) -> list[tuple[int, bytes]]:
        taken, self._messages = self._messages, []
        return taken
