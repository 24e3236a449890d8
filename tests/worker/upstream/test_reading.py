"""What of an upstream's bytes becomes frames, and when a message is whole (G6)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.dev.simulator.answer.events import frames as simulated
from app.dev.simulator.answer.plan import plan
from app.dev.simulator.faults import Ending, steps
from app.dev.simulator.prompts import parse
from worker.rawjson.codec import dumps
from worker.upstream import failure
from worker.upstream.failure import UpstreamError
from worker.upstream.reading import NAMES_MAX, Reading

START = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m"}}\n\n'
BLOCK = (
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
)
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def delta(text: str) -> bytes:
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return b"event: content_block_delta\ndata: %b\n\n" % dumps(data)


class Log:
    """Where the frames go. `content`: how many stood there when the first ones were told of, each time; `spoken`: how
    many when the first content was.
    """

    def __init__(self) -> None:
        self.frames: list[tuple[bytes | None, bytes]] = []
        self.content: list[int] = []
        self.spoken: list[int] = []

    def put(self, name: bytes | None, data: bytes) -> None:
        self.frames.append((name, data))

    def begins(self) -> None:
        self.content.append(len(self.frames))

    def speaks(self) -> None:
        self.spoken.append(len(self.frames))

    @property
    def names(self) -> list[bytes | None]:
        return [name for name, _ in self.frames]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def reading(log: Log, clock: Clock | None = None) -> Reading:
    return Reading(log.put, log.begins, clock or Clock(), log.speaks)


def test_an_event_before_message_start_takes_nothing_away_from_it() -> None:
    log = Log()
    early = b'event: future\ndata: {"type":"future"}\n\n'
    assert reading(log).feed(early + early + START + BLOCK + STOP)
    assert log.names == [b"future", b"future", b"message_start", b"content_block_start", b"message_stop"]


def test_every_event_up_to_message_stop_becomes_a_frame_verbatim() -> None:
    log = Log()
    odd = b'event: fut\xc5\xbcure\ndata: {"type" : "future",\ndata:  "x": "\xc5\xbc\\ud800"}\n\ndata: {"no":"name"}\n\n'
    after = b'event: future\ndata: {"after":"the end"}\n\n'
    assert reading(log).feed(START + PING + BLOCK + b": comment\n\nid: 7\n" + odd + delta("x") + STOP + after)
    assert log.frames == [
        (b"message_start", b'{"type":"message_start","message":{"id":"m"}}'),
        (b"content_block_start", BLOCK.split(b"data: ")[1].strip()),
        ("futżure".encode(), '{"type" : "future",\n "x": "ż\\ud800"}'.encode()),
        (None, b'{"no":"name"}'),
        (b"content_block_delta", delta("x").split(b"data: ")[1].strip()),
        (b"message_stop", b'{"type":"message_stop"}'),
    ]


def test_message_start_is_held_back_until_the_next_frame() -> None:
    log = Log()
    answer = reading(log)
    assert not answer.feed(START + PING)
    assert (log.frames, answer.content) == ([], False)
    assert not answer.feed(BLOCK)
    assert log.names == [b"message_start", b"content_block_start"]
    assert answer.content


def test_that_there_is_content_is_told_once_and_not_before_something_of_it_stands() -> None:
    log = Log()
    answer = reading(log)
    answer.feed(START + BLOCK)
    answer.feed(delta("x"))
    assert log.content == [1]


def test_an_error_event_breaks_the_attempt_and_is_no_frame() -> None:
    log = Log()
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    with pytest.raises(UpstreamError) as caught:
        reading(log).feed(START + error + BLOCK)
    assert (caught.value.failure.type, caught.value.failure.status) == ("overloaded_error", 529)
    assert log.frames == []


@pytest.mark.parametrize(
    "bad",
    [
        b'event: content_block_delta\ndata: {"type":\n\n',
        b'event: content_block_delta\ndata: {"x":"\xff"}\n\n',
        b'event: content_block_delta\ndata: {"x":NaN}\n\n',
        b'event: \xff\ndata: {"x":1}\n\n',
        b'event: relay.end\ndata: {"outcome":"completed"}\n\n',
        b'event: relay.reset\ndata: {"attempt":2,"reason":"x"}\n\n',
        b"event: relay.whatever\ndata: {}\n\n",
        b"event:  relay.end\ndata: {}\n\n",
        b"data: nothing that is JSON\n\n",
        b"data: {}\ndata: {}\n\n",
        START,  # a second one: clients would glue the two messages
    ],
)
def test_what_cannot_be_read_breaks_the_attempt_and_is_no_frame(bad: bytes) -> None:
    log = Log()
    answer = reading(log)
    answer.feed(START + BLOCK)
    before = list(log.frames)
    with pytest.raises(UpstreamError) as caught:
        answer.feed(bad)
    assert caught.value.failure is failure.GARBLED
    assert log.frames == before


@pytest.mark.parametrize("name", ["relay", "relayed.end", "conversation.updated", "Relay.end", "xrelay.end"])
def test_a_name_that_only_looks_like_ours_is_a_frame(name: str) -> None:
    log = Log()
    reading(log).feed(START + BLOCK + b"event: %b\ndata: {}\n\n" % name.encode())
    assert log.frames[-1] == (name.encode(), b"{}")


def test_made_up_names_do_not_fill_the_memory() -> None:
    answer = reading(Log())
    answer.feed(START + BLOCK + b"".join(b"event: e%d\ndata: {}\n\n" % n for n in range(10 * NAMES_MAX)))
    assert len(answer._names) == NAMES_MAX


def test_a_ping_is_not_even_looked_at() -> None:
    log = Log()
    assert not reading(log).feed(b"event: ping\ndata: not JSON\n\n")
    assert log.frames == []


def test_a_body_that_ends_early_is_incomplete() -> None:
    for body in (b"", START, START + BLOCK, START + BLOCK + delta("x")):
        answer = reading(Log())
        answer.feed(body)
        with pytest.raises(UpstreamError) as caught:
            answer.end()
        assert caught.value.failure is failure.INCOMPLETE


def test_the_end_of_the_body_completes_message_stop() -> None:
    log = Log()
    answer = reading(log)
    assert not answer.feed(START + BLOCK + STOP.rstrip())
    answer.end()
    assert log.frames[-1] == (b"message_stop", b'{"type":"message_stop"}')


def test_an_unnamed_message_stop_is_none() -> None:
    answer = reading(Log())
    assert not answer.feed(START + BLOCK + b'data: {"type":"message_stop"}\n\n')


def test_silence_is_measured_from_the_last_event_that_is_no_ping() -> None:
    clock = Clock()
    answer = reading(Log(), clock)
    clock.now = 1.0
    answer.feed(START)
    clock.now = 2.0
    answer.feed(PING)
    answer.feed(b": comment\n\n")
    answer.feed(b"event: content_bl")
    assert (answer.heard, answer.stirred) == (1.0, 2.0)
    clock.now = 3.0
    answer.feed(b'ock_start\ndata: {"x":1}\n\n')
    assert answer.heard == 3.0


def test_the_first_content_is_a_delta_and_not_the_frame_that_announces_it() -> None:
    clock = Clock()
    answer = reading(Log(), clock)
    answer.feed(START + BLOCK)
    assert (answer.content, answer.first) == (True, None)
    for now in (2.0, 3.0):
        clock.now = now
        answer.feed(b'event: content_block_delta\ndata: {"x":1}\n\n')
    assert answer.first == 2.0


def test_what_waits_for_the_rest_of_its_event_is_known() -> None:
    answer = reading(Log())
    answer.feed(START + BLOCK + b"event: content_block_delta\ndata: " + b"x" * 500)
    answer.feed(b"x" * 500)
    assert answer.pending >= 1000


FAULTS = ["tokens=40", "tokens=40 unknown-events", "tokens=40 thinking", "tokens=5 hostile", "tokens=5 no-blank-at-end"]


@given(st.sampled_from(FAULTS), st.lists(st.integers(0, 9000), max_size=30), st.booleans())
@example(
    asked="tokens=40 unknown-events", cuts=[6318], crlf=True
)  # right behind `message_stop`, where something follows
def test_however_the_body_is_cut_the_log_is_the_same(asked: str, cuts: list[int], crlf: bool) -> None:  # noqa: FBT001
    prompt = f"[[sim: {asked}]]"
    body = {"model": "m", "max_tokens": 500, "messages": [{"role": "user", "content": prompt}]}
    planned = plan(body, parse(prompt))
    walked = steps(simulated(planned, "msg_1"), planned.output_tokens, parse(prompt), "req_1")
    whole = b"".join(step[0] for step in walked if not isinstance(step, Ending))
    if crlf:
        whole = whole.replace(b"\n", b"\r\n")

    def events(pieces: list[bytes]) -> list[tuple[bytes | None, bytes]]:
        log = Log()
        answer = reading(log)
        if not any(answer.feed(piece) for piece in pieces):  # as a call does: nothing is fed after the message
            answer.end()
        return log.frames

    places = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    cut = [whole[start:end] for start, end in pairwise(places)]
    once = events([whole])
    assert events(cut) == once
    assert once[0][0] == b"message_start"
    assert once[-1][0] == b"message_stop"
    assert not {b"ping", b"error"} & {name for name, _ in once}


def test_the_first_content_is_told_once_and_before_it_is_put() -> None:
    log = Log()
    answer = reading(log)
    answer.feed(START + delta("Al") + delta("pha"))
    assert log.spoken == [1]
