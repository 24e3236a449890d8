"""The upstream's own events out of a log's frames. Pure.

The rule: an event of the upstream's goes out as the very bytes that the log has of it; what is the relay's (its events,
ids, pings and pauses) does not. What a reader would have forgotten is not there either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

_NAME = re.compile(rb"^event: ?(.*)$", re.MULTILINE)
_DATA = re.compile(rb"^data: ?(.*)$", re.MULTILINE)
# What is the relay's of a frame's lines: ids, pauses, comments.
_OURS = re.compile(rb"^(?:id|retry)(?::.*)?\n|^:.*\n", re.MULTILINE)
START = b"message_start"
END = b"relay.end"


def frames(log: bytes) -> Iterator[bytes]:
    """Each with its blank line. Of what is not whole nothing."""
    start = 0
    while (end := log.find(b"\n\n", start)) >= 0:
        yield log[start : end + 2]
        start = end + 2


def name_of(frame: bytes) -> bytes:
    """An event's name; empty for one without, and for what is none."""
    found = _NAME.search(frame)
    return found[1] if found else b""


def is_whole(log: bytes) -> bool:
    """Whether the ending stands in it."""
    return any(name_of(frame) == END for frame in frames(log))


def upstream_events(log: bytes) -> bytes:
    """What the upstream said: of all turns, each as it was said last."""
    kept: list[bytes] = []
    for frame in frames(log):
        name = name_of(frame)
        if name == b"relay.reset":
            kept = kept[: _turn(kept, _number(frame))]
        elif not name.startswith(b"relay."):
            lines = _OURS.sub(b"", frame)
            if _DATA.search(lines):
                kept.append(lines)
    return b"".join(kept)


def _turn(kept: list[bytes], turn: int) -> int:
    """How many frames stand before a turn, counted from 1; none before all of them."""
    starts = [n for n, frame in enumerate(kept) if name_of(frame) == START]
    if not turn:
        return 0
    return starts[turn - 1] if turn <= len(starts) else len(kept)


def _number(reset: bytes) -> int:
    """The turn that begins again; 0 where all do."""
    try:
        turn = orjson.loads(b"\n".join(_DATA.findall(reset))).get("turn")
    except (orjson.JSONDecodeError, AttributeError):
        return 0
    return turn if isinstance(turn, int) else 0
