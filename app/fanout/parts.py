"""How bytes of a log are cut into parts for one client, and where it stands after each of them.

Pure. The law: no part is larger than `PART_BYTES`, and what was given is proven. Whole frames end at a position that
names itself; a frame larger than a part is given piece by piece, and before its last piece the chain over all of them
must come out as its id says. So a client that stops in the middle of 16 MiB costs one part, and what follows may be
read again, at any time, without two histories ever meeting in one frame.
"""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

from app.stream.frames import PROOF_LENGTH, Position, position_at_end

# What a client that stops reading keeps of ours is this, above what its transport takes before it is full.
PART_BYTES = 32 * 1024


class AnotherHistoryError(Exception):
    """What was given of a frame is not what the log holds now; whoever was given it must not take it for a frame."""


class Place(NamedTuple):
    """After `position`, and `sent` bytes into the frame that follows; `crc` is the chain over all of that."""

    position: Position
    sent: int
    crc: int

    @property
    def inside(self) -> bool:
        """Whether the client was given the beginning of a frame and not its end."""
        return self.sent > 0


def place_at(position: Position) -> Place:
    return Place(position, 0, position.crc)


def next_part(data: bytes, at: int, place: Place, size: int | None = None) -> tuple[int, Place] | None:
    """Where in `data` the part ends that begins at `at`, where `place` stands, and the place behind it.

    It is of `size` bytes at the most, by default `PART_BYTES`.

    None where too little is there: a frame's end is never cut, so that it can be checked. Raises `AnotherHistoryError`.
    """
    size = size or PART_BYTES
    if not place.sent:
        end = data.rfind(b"\n\n", at, at + size) + 2
        position = position_at_end(data[max(at, end - PROOF_LENGTH) : end]) if end > 1 else None
        if position is not None:
            return end, place_at(position)
    end = data.find(b"\n\n", at) + 2
    if 1 < end <= at + size:
        crc = crc32(memoryview(data)[at : end - PROOF_LENGTH], place.crc)
        after = Position(place.position.offset + place.sent + end - at, crc)
        if not data.startswith(after.proof, max(at, end - PROOF_LENGTH)):
            raise AnotherHistoryError
        return end, place_at(after)
    end = min(at + size, (end if end > 1 else len(data)) - PROOF_LENGTH)
    if end <= at:
        return None
    return end, Place(place.position, place.sent + end - at, crc32(memoryview(data)[at:end], place.crc))


def first_frames(data: bytes, size: int) -> bytes:
    """The whole frames that `data` begins with, at most `size` bytes of them, or one."""
    if len(data) <= size:
        return data
    end = data.rfind(b"\n\n", 0, size) + 2
    return data[: end if end > 1 else data.find(b"\n\n") + 2]
