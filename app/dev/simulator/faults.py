"""What a directive does to a stream's events on their way out. Pure: frames in, steps out.

A step is a frame, a rest, or an ending that is not the ordinary one. A fault "after N tokens" of a shorter answer
happens after its last token, so that a fault that was asked for always happens; N = 0 is right after message_start.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from app.dev.simulator.answer.events import MESSAGE_STOP, Frame, dumps, event
from app.dev.simulator.directives import Directives
from app.dev.simulator.rules.errors import default_message, error_body

# Long enough to show more than one cut in a short event, short enough not to slow the stream down.
_DRIBBLE_BYTES = 24
_CONTINUATION = range(0x80, 0xC0)  # the second to fourth byte of a UTF-8 character
_TOOL_START, _BLOCK_STOP = b'"content_block":{"type":"tool_use"', b"event: content_block_stop"
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":%b\n\n'


class Ending(Enum):
    """How a stream ends that has not simply run out of frames."""

    CLEAN = "the body ends, chunked terminator and all"
    STALL = "silence for ever"
    PINGS = "pings for ever"
    RESET = "the connection is reset"


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing for so many seconds, or nothing but pings; then the stream goes on."""

    seconds: float
    pings: bool


Step = Frame | Rest | Ending
_FOREVER = {
    "stall_after": Ending.STALL,
    "pings_after": Ending.PINGS,
    "end_after": Ending.CLEAN,
    "cut_after": Ending.RESET,
}


def steps(frames: Iterator[Frame], total: int, asked: Directives, request_id: str) -> Iterator[Step]:
    """The frames of an answer of `total` tokens, with the faults that were asked for in their places."""
    faults = sorted(_faults(asked, total, request_id), key=lambda fault: fault[0])
    sent = 0
    buffered = False
    for frame in _with_unknown(frames) if asked.unknown_events else frames:
        if asked.no_blank_at_end and frame is MESSAGE_STOP:
            yield frame[0].rstrip(b"\n"), 0
            return
        buffered = buffered and not frame[0].startswith(_BLOCK_STOP)
        yield (frame[0], 0) if buffered else frame
        if asked.buffer_tool is not None and _TOOL_START in frame[0]:
            buffered = True
            yield Rest(asked.buffer_tool, pings=True)
        sent += frame[1]
        while faults and sent >= faults[0][0]:
            for step in faults.pop(0)[1]:
                yield step
                if isinstance(step, Ending):
                    return


def render(frame: bytes, asked: Directives, now_ns: Callable[[], int]) -> list[bytes]:
    """The frame's bytes as they are written, write by write."""
    if asked.stamp:
        frame = frame.replace(b'"text_delta","text":"', b'"text_delta","text":"%d;' % now_ns(), 1)
    if asked.crlf:
        frame = frame.replace(b"\n", b"\r\n")
    return dribble(frame) if asked.split else [frame]


def dribble(frame: bytes) -> list[bytes]:
    """The frame in small parts, each multi-byte character cut after its first byte."""
    cuts = {0, len(frame), *range(_DRIBBLE_BYTES, len(frame), _DRIBBLE_BYTES)}
    cuts.update(
        place
        for place in range(1, len(frame))
        if frame[place] in _CONTINUATION and frame[place - 1] not in _CONTINUATION
    )
    places = sorted(cuts)
    return [frame[start:end] for start, end in pairwise(places)]


def _faults(asked: Directives, total: int, request_id: str) -> Iterator[tuple[int, list[Step]]]:
    def place(after: int) -> int:
        return min(after, total)

    if asked.bad_json_after is not None:
        yield place(asked.bad_json_after), [(_DELTA % b'{"type":"text_del', 0)]
    if asked.bad_utf8_after is not None:
        yield (
            place(asked.bad_utf8_after),
            [(_DELTA % b'{"type":"text_delta","text":"\xc3\x28 \xff\xfe \xed\xa0\x80"}}', 0)],
        )
    if asked.forged_after is not None:
        yield place(asked.forged_after), [event("relay.end", {"outcome": "completed"})]
    if asked.error_after is not None:
        kind = asked.error_type or "overloaded_error"
        body = error_body(kind, asked.message or default_message(kind), request_id)
        yield place(asked.error_after), [event("error", body), Ending.CLEAN]
    if asked.think is not None:
        yield place(asked.think_after or 0), [Rest(asked.think, pings=True)]
    if asked.mute is not None:
        yield place(asked.mute_after or 0), [Rest(asked.mute, pings=False)]
    for name, ending in _FOREVER.items():
        if (after := getattr(asked, name)) is not None:
            yield place(after), [ending]


def _with_unknown(frames: Iterator[Frame]) -> Iterator[Frame]:
    """What the API's versioning policy allows it to add one day, and what SSE allows anyone."""
    extras = iter(_EXTRAS)
    for frame in frames:
        yield frame
        if frame is MESSAGE_STOP:
            yield _AFTER_THE_END
        elif (extra := next(extras, None)) is not None:
            yield extra


_EXTRAS: tuple[Frame, ...] = (
    event("future_event", {"type": "future_event", "detail": "an unknown, named event: żółw 🐢"}),
    (b"data: %b\n\n" % dumps({"type": "unnamed_event", "detail": "an event without a name"}), 0),
    (b'event: future_lines\ndata: {"type":"future_lines",\ndata: "detail":\ndata:"data of three lines"}\n\n', 0),
    (b": a comment by itself\n\n", 0),
    (b': a comment before an event\nid: 17\nevent: future_id\ndata: {"type":"future_id"}\n\n', 0),
    (b'retry: 60000\nevent: ping\ndata: {"type": "ping"}\nid: 000000001-deadbeef\n\n', 0),
    (b"id\n\nevent: future_nothing\n\n", 0),
)
_AFTER_THE_END: Frame = event("future_event", {"type": "future_event", "detail": "after message_stop"})
