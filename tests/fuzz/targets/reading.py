"""An answer of the upstream: frames that can be read back, the same however it is cut, or a failure that is told."""

from __future__ import annotations

import json

from app.stream.frames import encode, origin, split
from tests.fuzz import mutating
from tests.fuzz.pieces import pieces_of
from tests.fuzz.targets import sse
from tests.fuzz.targets.body import exactly
from worker.upstream.failure import UpstreamError
from worker.upstream.reading import OURS, Reading
from worker.upstream.sse import Event

mutate = mutating.of_events


def check(data: bytes) -> None:
    pieces = pieces_of(data)
    body = b"".join(pieces)
    told, ended = read(pieces)
    assert (told, ended) == by_the_law(body)
    assert (told, ended) == read([body])
    at, log = tuple(origin("st_fuzz")), b""
    for name, value in told:
        frame, *after = encode(name, value, *at)
        log, at = log + frame, (after[0], after[1])
    assert [(frame.name.encode() if frame.name is not None else None, frame.data) for frame in split(log)] == told


def by_the_law(body: bytes) -> tuple[list[Event], bool]:
    """What may stand in a log: all up to `message_stop`, but the pings; the start once, and not before what follows."""
    told: list[Event] = []
    start: list[Event] = []
    begun = False
    for name, data in sse.by_the_law(body):
        if name == b"ping":
            continue
        if not is_json(data) or name == b"error" or not may_be_called(name) or (name == b"message_start" and begun):
            return told, False
        if name == b"message_start":
            start, begun = [(name, data)], True
            continue
        told += [*start, (name, data)]
        start = []
        if name == b"message_stop":
            return told, True
    return told, False


def is_json(data: bytes) -> bool:
    try:
        exactly(data)
    except ValueError:
        return False
    return True


def may_be_called(name: bytes | None) -> bool:
    try:
        return name is None or not name.decode().strip().startswith(OURS)
    except UnicodeDecodeError:
        return False


def read(pieces: list[bytes]) -> tuple[list[Event], bool]:
    """What became frames, and whether the message is whole."""
    told: list[Event] = []
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
