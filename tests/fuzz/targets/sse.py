"""The upstream's bytes: the events that the standard's own words give, wherever they are cut. What is held is told."""

from __future__ import annotations

import re
from sys import getsizeof

from tests.fuzz.pieces import pieces_of
from worker.upstream.sse import Event, Parser

MARK = b"\xef\xbb\xbf"


def check(data: bytes) -> None:
    pieces = pieces_of(data)
    body = b"".join(pieces)
    events = read(pieces)
    assert events == by_the_law(body)
    assert read([body]) == events
    assert read([bytes([one]) for one in body]) == events


def read(pieces: list[bytes]) -> list[Event]:
    parser = Parser()
    events: list[Event] = []
    for piece in pieces:
        events += parser.feed(piece)
        held = sum(map(len, parser._line)) + sum(map(getsizeof, parser._data))
        assert held <= parser.pending
    events += parser.end()
    assert parser.pending == 0
    return events


def by_the_law(body: bytes) -> list[Event]:
    """Line by line, as the standard has it, but that the end of the body completes an event."""
    events: list[Event] = []
    name, data = b"", b""
    for line in [*re.split(rb"\r\n|\r|\n", body.removeprefix(MARK)), b""]:
        if not line:
            if data.removesuffix(b"\n"):
                events.append((name or None, data.removesuffix(b"\n")))
            name = data = b""
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data += value + b"\n"
    return events
