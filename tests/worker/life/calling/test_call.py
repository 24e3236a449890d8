"""What a call does with the frames that it reads: into the log, and no more of them than it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from app.stream import frames
from app.stream.ledger.lines import Calls, Open, calls_of
from app.stream.ledger.usage import Cost
from app.stream.log import Claim, Status
from tests.worker.life.chronicles import chronicle
from worker.life.calling.call import Call
from worker.life.calling.ledger import Ledger
from worker.life.calling.liveness import Timeouts
from worker.life.interrupt import Interrupt
from worker.log.writer import END_BYTES, FullLogError, Writer
from worker.upstream.claude import Answer
from worker.upstream.request import Request

START = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m"}}\n\n'
DELTA = b'event: content_block_delta\ndata: {"x":1}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
LIMIT = 10_000


class Upstream:
    """The SDK, a gate's turn, and who carries appends: an answer of these chunks. `given`: how many bytes were read."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self.given = 0

    @asynccontextmanager
    async def call(self, _: object) -> AsyncIterator[Answer]:
        yield Answer(self._give(), [], {"request-id": "req_1"})

    async def _give(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.given += len(chunk)
            yield chunk

    def taken(self, _: object) -> None:
        """The head says nothing."""

    def ready(self, _: Writer) -> None:
        """What is written is taken by the test."""

    def refused(self, status: Status, _error: str = "") -> None:
        raise AssertionError(status)

    def cancel_seen(self) -> None:
        raise AssertionError


async def read(upstream: Upstream) -> Writer:
    writer = Writer(Claim("st_1", 1, "w/1"), frames.origin("st_1"), LIMIT, upstream, upstream)
    interrupt = Interrupt()
    ledger = Ledger(Calls(), lambda *_: Cost(7), interrupt)
    call = Call(writer, ledger, interrupt, Timeouts(60, 60), chronicle=chronicle(), thinks=lambda _: None)
    await call.read(cast("Any", upstream), Request("claude", b"{}", {}, ""), cast("Any", upstream))
    return writer


async def test_frames_stand_in_the_log_and_with_the_first_of_them_that_there_is_content() -> None:
    append = (await read(Upstream(START, DELTA + DELTA, STOP))).take()
    assert append is not None
    assert frames.follow(append.data, *frames.origin("st_1")) is not None
    names = [frame.name for frame in frames.split(append.data)]
    assert names == ["message_start", "content_block_delta", "content_block_delta", "message_stop"]
    assert append.fields.keys() == {"content", "calls"}
    calls = calls_of(cast("bytes", append.fields["calls"]), 1, "")
    assert [(line.state, line.request_id) for line in calls.lines] == [("complete", "req_1")]


async def test_the_call_is_named_with_its_first_frames_which_may_be_all_that_its_worker_lives_to_write() -> None:
    class Watched(Upstream):
        """Each append leaves as soon as it is asked for what comes next."""

        writer: Writer | None = None
        fields: Mapping[str, Any] | None = None

        def ready(self, writer: Writer) -> None:
            self.writer = writer

        async def _give(self) -> AsyncIterator[bytes]:
            async for chunk in super()._give():
                yield chunk
                if self.fields is None and self.writer is not None and (append := self.writer.take()) is not None:
                    self.fields = append.fields

    upstream = Watched(START, DELTA, STOP)
    await read(upstream)
    assert upstream.fields is not None
    assert calls_of(upstream.fields["calls"], 1, "").open == Open("claude", "req_1")


async def test_an_event_that_does_not_fit_is_never_gathered_whole() -> None:
    pieces = [b"x" * 500] * 40
    upstream = Upstream(START, DELTA, b"event: content_block_delta\ndata: ", *pieces)
    with pytest.raises(FullLogError):
        await read(upstream)
    assert upstream.given < LIMIT
    assert upstream.given + 1000 > LIMIT - END_BYTES
