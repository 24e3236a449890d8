from __future__ import annotations

import pytest

from app.stream.frames import origin
from app.stream.log import Begun, Status
from app.watch.events.subjects import Trace
from worker.life.checkpoint import checkpoint_of
from worker.life.decide import OnInterrupt, Progress
from worker.upstream.request import Request

STORED = b'{"model":"m" , "max_tokens":5,"messages":[{"role":"user","content":"x"}],"unknown":1E400}'


def begun(**meta: bytes) -> Begun:
    usual = {"request": STORED, "model": b"m", "created_at": b"1000"}
    return Begun(Status.OK, 5000, 0, origin("st_1"), {**usual, **meta})


def test_a_new_stream() -> None:
    at = checkpoint_of(begun(model=b"claude-sonnet-5"))
    assert at.progress == Progress(0, 0, content=False, on_interrupt=OnInterrupt.RESTART)
    assert at.request == Request("claude-sonnet-5", STORED, {}, "")
    assert (at.model, at.elapsed, at.cancelled, at.handed_over) == ("claude-sonnet-5", 4.0, False, False)
    assert at.abandon_after is None


def test_a_stream_that_others_have_run() -> None:
    at = checkpoint_of(
        begun(
            attempt=b"4",
            free=b"2",
            content=b"1",
            on_interrupt=b"fail",
            cancel=b"1",
            handed_over=b"1",
            abandon_after=b"1.5",
            headers=b'{"anthropic-beta":"a,b"}',
            query=b"beta=true",
        )
    )
    assert at.progress == Progress(4, 2, content=True, on_interrupt=OnInterrupt.FAIL)
    assert at.request == Request("m", STORED, {"anthropic-beta": "a,b"}, "beta=true")
    assert (at.cancelled, at.handed_over, at.abandon_after) == (True, True, 1.5)


def test_a_stream_that_waited_in_the_gate_s_line() -> None:
    at = checkpoint_of(begun(held=b"1", held_at=b"3000", traceparent=b"00-1-2-01"))
    assert (at.held, at.held_seconds, at.trace) == (True, 2.0, Trace("00-1-2-01"))
    assert checkpoint_of(begun(held=b"1")).held_seconds == 0  # of a worker of before


@pytest.mark.parametrize(
    "meta",
    [
        {"request": b"{"},
        {"request": b"[]"},
        {"request": b""},
        {"model": b"\xff"},
        {"headers": b"7"},
        {"query": b"\xff"},
    ],
)
def test_a_request_that_cannot_be_read_is_none(meta: dict[str, bytes]) -> None:
    assert checkpoint_of(begun(**meta)).request is None


def test_counts_that_cannot_be_read_are_none() -> None:
    at = checkpoint_of(begun(attempt=b"x", free=b"", abandon_after=b"never", created_at=b"?", content=b"0"))
    assert at.progress == Progress(0, 0, content=False, on_interrupt=OnInterrupt.RESTART)
    assert (at.elapsed, at.abandon_after) == (0.0, None)
