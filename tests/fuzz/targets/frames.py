"""A log: what is written can be read back whole, in parts that end at a frame's end, and nothing else follows."""

from __future__ import annotations

import contextlib
from zlib import crc32

from app.stream.errors import MalformedIdError
from app.stream.frames import Frame, Position, encode, follow, origin, parse_id, position_at_end, split

STREAM = "st_fuzz"
NEAR = 3


def check(data: bytes) -> None:
    anything(data)
    events = events_of(data)
    at = [origin(STREAM)]
    log = b""
    for name, told in events:
        frame, *after = encode(name, told, *at[-1])
        assert frame == by_the_law(name, told, log)
        log += frame
        at.append(Position(*after))
        assert at[-1].offset == len(log)
        assert position_at_end(log) == at[-1] == parse_id(at[-1].id)
        assert log.endswith(at[-1].proof)
    assert list(split(log)) == [
        Frame(None if name is None else name.decode(), told, end.id, log[start.offset : end.offset])
        for (name, told), start, end in zip(events, at, at[1:], strict=False)
    ]
    for start in at[:NEAR]:
        for one in at:
            if one.offset >= start.offset:
                assert follow(log[start.offset : one.offset], *start) == one
                assert follow(log[start.offset : one.offset - 1], *start) in (None, start)
    if events:
        place = crc32(data) % len(log)
        changed = log[:place] + bytes([log[place] ^ 1]) + log[place + 1 :]
        assert follow(changed, *at[0]) is None


def anything(data: bytes) -> None:
    """Whatever stands there, it is told, and not stumbled over."""
    place = position_at_end(data)
    assert place is None or data.endswith(place.proof)
    followed = follow(data, *origin(STREAM))
    assert followed is None or followed[0] == len(data)
    text = data.decode("latin-1")
    with contextlib.suppress(MalformedIdError):
        assert parse_id(text).id == text


def events_of(data: bytes) -> list[tuple[bytes | None, bytes]]:
    """The input as events: parted by NUL, a name by SOH from what it tells."""
    events: list[tuple[bytes | None, bytes]] = []
    for part in data.replace(b"\r", b"").split(b"\0"):
        name, named, told = part.partition(b"\1")
        if not named:
            name, told = b"", part
        name = name.replace(b"\n", b"").decode(errors="ignore").encode()
        events += [(name or None, told)] if told.strip(b"\n") else []
    return events


def by_the_law(name: bytes | None, told: bytes, before: bytes) -> bytes:
    """The frame, with the CRC counted anew over the whole log."""
    head = [] if name is None else [b"event: " + name]
    lines = b"".join(line + b"\n" for line in [*head, *(b"data: " + line for line in told.split(b"\n"))])
    offset = len(before) + len(lines) + len(b"id: 000000000-00000000\n\n")
    kept = b"".join(
        line + b"\n" for line in before.split(b"\n") if line and not line.startswith(b"id: ")
    )  # an event's own lines begin with `event: ` or `data: `
    return lines + b"id: %09d-%08x\n\n" % (offset, crc32(kept + lines, crc32(STREAM.encode())))
