"""Events, frames and ids.

Everything that affects the bytes of a log must live here. The law: a frame's id names the byte where the frame ends
and the CRC-32 of everything before, so an id that stands in a log proves the whole history up to it.

    event: content_block_delta
    data: {"type":"content_block_delta", …}
    id: 000000412-9f3a1c22
    (blank line)

No I/O, no clock, no Redis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import orjson

from app.stream.errors import MalformedIdError

# Nine digits keep ids sortable as text; so a log must stay below this many bytes.
OFFSET_DIGITS = 9
MAX_OFFSET = 10**OFFSET_DIGITS - 1
ID_LENGTH = OFFSET_DIGITS + 1 + 8
# "id: " + id + "\n\n": what stands between a frame's lines and the next frame, always this long.
PROOF_LENGTH = len("id: ") + ID_LENGTH + len("\n\n")

_ID = re.compile(r"(\d{9})-([0-9a-f]{8})", re.ASCII)


class Position(NamedTuple):
    """A place in one log: the offset in bytes and the CRC-32 of all frames' lines before it."""

    offset: int
    crc: int

    @property
    def id(self) -> str:
        return f"{self.offset:09d}-{self.crc:08x}"

    @property
    def proof(self) -> bytes:
        """The bytes that stand right before this position in the log it belongs to."""
        return b"id: %09d-%08x\n\n" % self


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame read back: `name` is None for an event without one, `raw` is the frame byte for byte."""

    name: str | None
    data: bytes
    id: str
    raw: bytes


def origin(stream_id: str) -> Position:
    """Where every log of `stream_id` starts: the chain is seeded with the id, so no other stream's ids fit."""
    return Position(0, crc32(stream_id.encode()))


def encode(name: bytes | None, data: bytes, offset: int, crc: int) -> tuple[bytes, int, int]:
    """The frame of an event that stands at `offset`; returns it with the offset and the CRC after it.

    Each line of `data` becomes a `data:` line; neither name nor data may hold a carriage return.
    """
    if b"\n" in data:
        data = data.replace(b"\n", b"\ndata: ")
    lines = b"data: %b\n" % data if name is None else b"event: %b\ndata: %b\n" % (name, data)
    crc = crc32(lines, crc)
    offset += len(lines) + PROOF_LENGTH
    return b"%bid: %09d-%08x\n\n" % (lines, offset, crc), offset, crc


def encode_json(name: str, data: object, position: Position) -> tuple[bytes, Position]:
    """As `encode`, of one of our own events."""
    frame, offset, crc = encode(name.encode(), orjson.dumps(data), *position)
    return frame, Position(offset, crc)


def unlogged(name: str, data: object) -> bytes:
    """An event that a front sends beside the log: without an id, so it never moves a client's place."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data))


def parse_id(text: str) -> Position:
    """The position an id names. Raises `MalformedIdError` for what no frame could have carried."""
    match = _ID.fullmatch(text)
    if match is None:
        raise MalformedIdError("an event id has nine digits, a dash and eight hex digits")
    return Position(int(match[1]), int(match[2], 16))


def position_at_end(tail: bytes) -> Position | None:
    """The position that the last `PROOF_LENGTH` bytes of some frames name; None where no frame ends there."""
    proof = tail[-PROOF_LENGTH:]
    if len(proof) != PROOF_LENGTH or proof[:4] != b"id: " or proof[-2:] != b"\n\n":
        return None
    match = _ID.fullmatch(proof[4:-2].decode("latin-1"))
    return None if match is None else Position(int(match[1]), int(match[2], 16))


def follow(data: bytes, offset: int, crc: int) -> tuple[int, int] | None:
    """Where whole frames that claim to follow (`offset`, `crc`) lead; None if any of them does not follow."""
    start = 0
    total = len(data)
    while start < total:
        end = data.find(b"\n\n", start) + 2
        lines_end = end - PROOF_LENGTH
        if lines_end <= start:
            return None
        crc = crc32(data[start:lines_end], crc)
        if data[lines_end:end] != b"id: %09d-%08x\n\n" % (offset + end, crc):
            return None
        start = end
    return offset + total, crc


def split(data: bytes) -> Iterator[Frame]:
    """The frames of a range of a log that begins and ends at frames' ends."""
    start = 0
    while (end := data.find(b"\n\n", start) + 2) > 1:
        raw = data[start:end]
        name: str | None = None
        lines: list[bytes] = []
        for line in raw[:-PROOF_LENGTH].split(b"\n"):
            if line.startswith(b"data: "):
                lines.append(line[6:])
            elif line.startswith(b"event: "):
                name = line[7:].decode()
        yield Frame(name, b"\n".join(lines), raw[-PROOF_LENGTH + 4 : -2].decode("latin-1"), raw)
        start = end


def without_ids(data: bytes) -> bytes:
    """The upstream's frames of a range of a log that begins and ends at frames' ends, as they were sent."""
    theirs = (frame.raw for frame in split(data) if not (frame.name or "").startswith("relay."))
    return b"".join(raw[:-PROOF_LENGTH] + b"\n" for raw in theirs)
