"""An answer of the upstream: frames that can be read back, the same however it is cut, or a failure that is told."""

from __future__ import annotations

import json

from app.stream.frames import encode, origin, split
from tests.fuzz.pieces import pieces_of
from worker.upstream.failure import UpstreamError
from worker.upstream.reading import OURS, Reading


def check(data: bytes) -> None:
    pieces = pieces_of(data)
    told, ended = read(pieces)
    assert (told, ended) == read([b"".join(pieces)])
    at, log = tuple(origin("st_fuzz")), b""
    for name, value in told:
        json.loads(value)
        assert name is None or not name.decode().strip().startswith(OURS)
        frame, *after = encode(name, value, *at)
        log, at = log + frame, (after[0], after[1])
    assert [(frame.name.encode() if frame.name is not None else None, frame.data) for frame in split(log)] == told
    assert not ended or told[-1][0] == b"message_stop"


def read(pieces: list[bytes]) -> tuple[list[tuple[bytes | None, bytes]], bool]:
    """What became frames, and whether the message is whole."""
    told: list[tuple[bytes | None, bytes]] = []
    reading = Reading(lambda name, data: told.append((name, data)), lambda: None, lambda: 0.0, lambda: None)
    ended = False
    try:
        for piece in pieces:
            if ended := reading.feed(piece):
                break
        else:
            reading.end()
            ended = True
    except UpstreamError:
        ended = False
    message = reading.message.json()
    if message is not None:
        json.loads(message)
    assert reading.message.memory_bytes >= 0
    return told, ended
