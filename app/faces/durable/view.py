"""The log as a Durable Stream: its events as JSON, places as offsets, and what a cache may make of an answer.

Pure. The rule: a message is the data of an event as the upstream sent it, and one of ours says in `type` what its event
is called, so that each names itself. An offset is an event's id; where nothing was yet, it is the log's origin.
What the protocol says is in PROTOCOL.md of github.com/durable-streams/durable-streams, of which the sections are named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from app.stream.frames import PROOF_LENGTH, Position
from app.stream.readback.restarts import OURS

MEDIA_TYPE = "application/json"
NEXT_OFFSET, UP_TO_DATE = "stream-next-offset", "stream-up-to-date"
CURSOR, CLOSED = "stream-cursor", "stream-closed"
# So that a page of another site cannot take what is said for a script or a picture (§12.7).
HEADERS = {"cross-origin-resource-policy": "same-origin"}

# By what callers are told apart: what one was told is for no other that has the same browser.
VARY = "authorization, x-api-key, x-keepstream-user, cookie"
# Whoever has a ticket may read, and a cache that has the address has the ticket. It ends, so nothing is shown stale.
PUBLIC = "public, max-age=60"
PRIVATE = "private, max-age=60, stale-while-revalidate=300"
NO_STORE = "no-store"

# How cursors count (§10.1): the seconds of an interval, and when the first one began.
INTERVAL_SECONDS = 20
EPOCH = 1_728_432_000
# How far one is moved on that is not behind, in seconds.
JITTER_SECONDS = 3600
# Of a cursor that is one of ours: more than will ever be needed, and no number to reckon long with.
CURSOR_DIGITS = 15

_FIRST, _LAST = b"event: data\ndata:[", b"]\n\n"
_NAME, _DATA = b"event: ", b"data: "


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer is about: a log from `start` to `end`. `up_to_date`: nothing stands behind; `closed`: nor will."""

    stream_id: str
    start: Position
    end: Position
    up_to_date: bool
    closed: bool

    @property
    def etag(self) -> str:
        return f'"{self.stream_id}:{self.start.id}:{self.end.id}{":c" if self.closed else ""}"'


def messages(frames: bytes) -> list[bytes]:
    """The messages of whole frames, in order. Cut out of them once each: one may be of megabytes."""
    found = []
    start, total = 0, len(frames)
    while start < total:
        end = frames.find(b"\n\n", start) + 2
        begin = _data_at(frames, start)
        data = frames[begin + len(_DATA) : end - PROOF_LENGTH - 1]
        if b"\n" in data:  # of several lines
            data = data.replace(b"\n" + _DATA, b"\n")
        found.append(_named(frames[start + len(_NAME) : begin - 1], data) if frames.startswith(OURS, start) else data)
        start = end
    return found


def _data_at(frames: bytes, start: int) -> int:
    """Where the first line of data of the frame begins that begins at `start`, behind its name, if it has one."""
    return frames.index(b"\n" + _DATA, start) + 1 if frames.startswith(_NAME, start) else start


def _named(name: bytes, data: bytes) -> bytes:
    rest = data[1:]
    return b'{"type":"%b"%b%b' % (name, b"" if rest == b"}" else b",", rest)


def array(found: Iterable[bytes]) -> list[bytes]:
    """Messages as a JSON array, in pieces."""
    pieces = [b"["]
    for message in found:
        pieces += [message, b","]
    return [*pieces[:-1], b"]"] if len(pieces) > 1 else [b"[]"]


def data_event(found: Iterable[bytes]) -> bytes:
    """Messages as one SSE event. No line of them may end it before its time."""
    return _FIRST + b",".join(found).replace(b"\n", b"\ndata:") + _LAST


def data_part(data: bytes, *, first: bool, last: bool) -> bytes:
    """Of a frame that is too large to be held, which is none of ours: what comes next of its event."""
    if first:  # its name, which no message has
        data = _FIRST + data[_data_at(data, 0) + len(_DATA) :]
    # The frame's last line may have come with the part before, up to its very end.
    return data[:-PROOF_LENGTH] + b"data:" + _LAST if last else data


def control_event(next_offset: Position, cursor: str, *, up_to_date: bool = False, closed: bool = False) -> bytes:
    """What follows each event of data (§5.8)."""
    told: dict[str, str | bool] = {"streamNextOffset": next_offset.id}
    if not closed:
        told["streamCursor"] = cursor
    if up_to_date or closed:
        told["upToDate"] = True
    if closed:
        told["streamClosed"] = True
    return b"event: control\ndata:%b\n\n" % orjson.dumps(told)


def headers_of(answered: Answered, cache: str, cursor: str | None = None) -> dict[str, str]:
    """`cursor`: of an answer that was waited for, or might have been."""
    headers = {**HEADERS, NEXT_OFFSET: answered.end.id, "etag": answered.etag, "cache-control": cache}
    if answered.up_to_date:
        headers[UP_TO_DATE] = "true"
    if answered.closed:
        headers[CLOSED] = "true"
    elif cursor is not None:
        headers[CURSOR] = cursor
    return headers | ({"vary": VARY} if cache == PRIVATE else {})


def cache_of(answered: Answered, *, by_ticket: bool, now: bool) -> str:
    """What may be kept: bytes of a log never change, and what is said of its end may, unless it has ended.

    `by_ticket`: its reader needs nothing but the address. `now`: the address names no place of its own.
    """
    if now or (answered.start == answered.end and not answered.closed):
        return NO_STORE
    return PUBLIC if by_ticket else PRIVATE


def cursor_of(asked: str | None, now: float, jitter: float) -> str:
    """The cursor of an answer to who sent `asked`: of this interval, or beyond what was sent (§10.1).

    `now` is in seconds since 1970, `jitter` a number between 0 and 1, by which many are not moved on together.
    """
    current = int((now - EPOCH) // INTERVAL_SECONDS)
    sent = int(asked) if asked and asked.isascii() and asked.isdigit() and len(asked) <= CURSOR_DIGITS else -1
    if sent < current:
        return str(current)
    return str(sent + 1 + int(jitter * JITTER_SECONDS) // INTERVAL_SECONDS)


def matches(if_none_match: str, etag: str) -> bool:
    """Whether a client has this already, by what it says that it has."""
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in if_none_match.split(","))
