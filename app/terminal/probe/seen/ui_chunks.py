"""The AI SDK's UI message stream as the message that it amounts to, and whether one is the beginning of another. Pure.

The rule: who resumes is shown the whole message again from its start, in pieces of any size. Pieces of one text are put
together; what is transient (`data-…` for the page alone) is left out, for it is not said again.
"""

from __future__ import annotations

from typing import Any

import orjson

from app.terminal.probe.promises import Breach, Promise

DONE = b"[DONE]"
# What ends a message, whole or not.
ENDS = frozenset({"finish", "error", "abort"})
MESSAGE_CHARS_MAX = 16 * 1024 * 1024
# The chunks that are a piece of something longer: the field that has it, and the one that says of what.
_PIECES = {
    "text-delta": ("delta", "id"),
    "reasoning-delta": ("delta", "id"),
    "tool-input-delta": ("inputTextDelta", "toolCallId"),
}
# How much of two texts is held against each other to see how they differ.
_ROUND = 12


class Message:
    """What the chunks of one reading amount to, as one text that no other message has."""

    def __init__(self) -> None:
        self.chunks = 0
        self.over = False  # its last chunk was one that ends it
        self.done = False
        self.full = False
        self._written: list[str] = []
        self._chars = 0
        self._open: tuple[str, str] | None = None

    @property
    def text(self) -> str:
        if len(self._written) > 1:
            self._written[:] = ["".join(self._written)]
        return "".join(self._written)

    def take(self, data: bytes) -> Breach | None:
        """The data of one event."""
        if self.done:
            return Breach(Promise.ENDING, "something follows [DONE]")
        if data == DONE:
            self.done = True
            return (
                None if self.over else Breach(Promise.ENDING, "[DONE] came, and neither finish, error nor abort before")
            )
        try:
            chunk = orjson.loads(data)
            kind = str(chunk["type"])
        except (ValueError, TypeError, KeyError):
            return Breach(Promise.SPLICED, "a chunk that is no JSON with a type")
        self.chunks += 1
        self.over = kind in ENDS
        try:
            if chunk.get("transient") is not True:
                self._add(kind, chunk)
        except orjson.JSONEncodeError:
            return Breach(Promise.BOUNDS, "a chunk of more levels than can be written")
        return None

    def _add(self, kind: str, chunk: dict[str, Any]) -> None:
        piece, of = _PIECES.get(kind, ("", ""))
        if isinstance(chunk.get(piece), str):
            opened = (kind, str(chunk.get(of)))
            text = chunk[piece] if opened == self._open else f"\n\0{kind} {opened[1]}\0{chunk[piece]}"
            self._open = opened
        else:
            self._open = None
            text = f"\n\0{orjson.dumps(chunk, option=orjson.OPT_SORT_KEYS).decode()}"
        self._chars += len(text)
        if self._chars > MESSAGE_CHARS_MAX:
            self.full = True
        else:
            self._written.append(text)


def compare(reference: Message, seen: Message, *, whole: bool) -> Breach | None:
    """What is wrong with a message that was read again; `whole`: the uncut reading goes to its end."""
    one, other = reference.text, seen.text
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        if seen.done and whole and len(other) < len(one):
            return Breach(Promise.GAP, f"[DONE] came {len(one) - len(other)} characters before the message's end")
        if whole and len(other) > len(one):
            return Breach(Promise.SPLICED, "it goes on behind the end of the uncut reading")
        return None
    at = next(place for place in range(length) if one[place] != other[place])
    here, there = one[at : at + _ROUND], other[at : at + _ROUND]
    where = f"at character {at} of the message"
    if here in other[at:]:
        if there in one[at:]:
            return Breach(Promise.REORDERED, f"{where} stands what has its place further on")
        return Breach(
            Promise.DOUBLED if there in one[: at + _ROUND] else Promise.SPLICED,
            f"{where} stands something again, or more",
        )
    if there in one[at:]:
        return Breach(Promise.GAP, f"{where} something is left out")
    return Breach(Promise.SPLICED, f"{where} stands something else than in the uncut reading")
