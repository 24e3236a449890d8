"""How a tail grows: which bytes may be added to what a front already shows, and which prove nothing.

Pure. The law: only whole frames whose ids chain on from the tail's end are added. Whatever else arrives (late, doubled,
out of order, of another history) is either known already, to the byte, or a reason to read the log.
"""

from __future__ import annotations

from collections import deque

from app.stream.frames import PROOF_LENGTH, Position, follow

# What a tail keeps of the log, so that readers who fall a little behind, or come back, cost Redis nothing.
WINDOW_BYTES = 128 * 1024


class Splice:
    """The end of a log as one front knows it, with a window of the bytes before."""

    __slots__ = ("_pieces", "_window_start", "end")

    def __init__(self, end: Position) -> None:
        self.end = end
        self._pieces: deque[bytes] = deque()
        self._window_start = end.offset

    def offer(self, start: int, data: bytes) -> bytes | None:
        """Adds what `data`, said to stand at `start`, brings beyond the end, and returns that part.

        Empty where all of it was known; None where it proves nothing and the log must be read.
        """
        overlap = self.end.offset - start
        if overlap < 0:
            return None
        if overlap > 0:
            known = self._between(start, min(self.end.offset, start + len(data)))
            if known is None or known != data[:overlap]:
                return None
            data = data[overlap:]
        if not data:
            return b""
        position = follow(data, *self.end)
        if position is None:
            return None
        self.end = Position(*position)
        self._pieces.append(data)
        while self.end.offset - self._window_start > WINDOW_BYTES:
            self._window_start += len(self._pieces.popleft())
        return data

    def after(self, position: Position) -> bytes | None:
        """What follows `position`, if the window proves that it belongs to this history; else None."""
        if position == self.end:
            return b""
        first = position.offset - PROOF_LENGTH
        if position.offset == self._window_start:
            # The window's own start needs no proof only where nothing stands before it.
            return None if self._window_start else self._between(0, self.end.offset)
        if first < self._window_start or position.offset > self.end.offset:
            return None
        data = self._between(first, self.end.offset)
        if data is None or not data.startswith(position.proof):
            return None
        return data[PROOF_LENGTH:]

    def since(self, offset: int) -> bytes | None:
        """What follows `offset`, a frame's end that this very history led to; None where the window begins later."""
        return self._between(offset, self.end.offset) if offset <= self.end.offset else None

    def _between(self, start: int, end: int) -> bytes | None:
        if start < self._window_start:
            return None
        wanted: list[bytes] = []
        at = self.end.offset
        for piece in reversed(self._pieces):
            if at <= start:
                break
            at -= len(piece)
            wanted.append(piece)
        wanted.reverse()
        joined = wanted[0] if len(wanted) == 1 else b"".join(wanted)
        return joined[start - at : end - at]
