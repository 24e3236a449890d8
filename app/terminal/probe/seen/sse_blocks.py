"""Server-Sent Events as the standard reads them: bytes in, blocks out, whatever the pieces. Pure.

The rule: a block is given when its blank line is there; for one no more is held than `BLOCK_BYTES` and `BLOCK_LINES`.
"""

from __future__ import annotations

from dataclasses import dataclass

# Above the largest log that a Keepstream has, and so above any of its events.
BLOCK_BYTES = 32 * 1024 * 1024
# Each is an object of its own.
BLOCK_LINES = 100_000
_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = (b"\n", b"\r")


class TooLargeError(Exception):
    """A block grows beyond what anybody should hold."""


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two blank lines. `data` is None where there is none, and then it is no event; `id` is that of
    this very block; `retry`: it says when to come back; `raw` are its bytes, blank line included.
    """

    raw: bytes
    name: str = ""
    data: bytes | None = None
    id: str | None = None
    retry: bool = False


class Blocks:
    """Reads one body."""

    def __init__(self) -> None:
        self._begun = False
        self._returned = False  # the last byte was a carriage return: whether a line feed follows is not known
        self._part = bytearray()  # of a line: in pieces of a byte each, if somebody wants to do harm
        self._lines: list[bytes] = []  # of a block
        self._held = 0

    @property
    def amid(self) -> bool:
        """Whether a block has begun and its blank line is not there; comments alone are none."""
        return any(not line.startswith(b":") for line in (*self._lines, bytes(self._part)) if line)

    def feed(self, piece: bytes) -> list[Block]:
        """The blocks that are whole by now. Raises `TooLargeError`."""
        if self._returned:
            piece = b"\r" + piece
        self._returned = piece.endswith(b"\r")
        return self._take(piece.removesuffix(b"\r"))

    def end(self) -> list[Block]:
        """No more will come."""
        returned, self._returned = self._returned, False
        return self._take(b"\r" if returned else b"")

    def _take(self, piece: bytes) -> list[Block]:
        found = []
        for line in piece.splitlines(keepends=True):
            self._held += len(line)
            if self._held > BLOCK_BYTES or len(self._lines) > BLOCK_LINES:
                raise TooLargeError
            self._part += line
            if line.endswith(_LINE_ENDS):
                whole = bytes(self._part)
                self._part.clear()
                if not self._begun:
                    self._begun, whole = True, whole.removeprefix(_BOM)
                self._lines.append(whole)
                if not whole.strip(b"\r\n"):
                    found.append(_block(self._lines))
                    self._lines.clear()
                    self._held = 0
        return found


def _block(lines: list[bytes]) -> Block:
    name, last_id, retry = "", None, False
    data: list[bytes] = []
    for line in lines:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"event":
                name = value.decode("utf-8", "replace")
            case b"data":
                data.append(value)
            case b"id" if b"\0" not in value:
                last_id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit():
                retry = True
    return Block(b"".join(lines), name, b"\n".join(data) if data else None, last_id, retry)
