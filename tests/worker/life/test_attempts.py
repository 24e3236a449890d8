"""What is counted, told and given back between a stream's begin and its ending."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.stream import keys
from tests.patience import PATIENCE
from tests.worker.claims.pool.watching import empty
from tests.worker.workshop import BEAT, MODEL, Workshop
from worker.life.interrupt import Why
from worker.log.writer import Writer
from worker.upstream import failure
from worker.upstream.claude import Answer, Request
from worker.upstream.failure import UpstreamError


async def test_what_goes_wrong_after_a_stream_was_parked_does_not_end_it(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop.worker() as parts:
        with monkeypatch.context() as patch:
            patch.setattr(parts.services.gate, "parked", lambda _: 1 / 0)
            stream_id = await shop.submit("[[sim: status=429 retry-after=2 times=1]] [[sim: tokens=3]]")
            await shop.eventually(lambda: shop.redis.zscore(keys.gate_line(MODEL), stream_id))
            await shop.eventually(lambda: empty(parts))
        await shop.submit("[[sim: tokens=3]]")  # whoever asks wakes all who wait
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"


async def test_no_call_is_made_before_it_is_counted(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies in a call must have counted it. The first one is counted as the stream begins."""
    held: list[Writer] = []
    counted: list[bytes] = []
    async with shop.worker() as parts:
        ready, call = parts.services.committer.ready, parts.services.claude.call

        @asynccontextmanager
        async def look_and_call(request: Request) -> AsyncIterator[Answer]:
            counted.append((await shop.look(stream_id)).meta["attempt"])
            monkeypatch.setattr(parts.services.committer, "ready", held.append)
            async with call(request) as answer:
                yield answer

        monkeypatch.setattr(parts.services.claude, "call", look_and_call)
        stream_id = await shop.submit("[[sim: status=529 times=1 tokens=3 tag=counted-first]]")
        async with asyncio.timeout(PATIENCE):
            while not held:
                await asyncio.sleep(BEAT)
        await asyncio.sleep(0.3)  # time enough for a call
        assert (await shop.calls("counted-first"))["calls"] == 1
        monkeypatch.undo()
        for writer in held:
            ready(writer)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"], counted) == ("completed", b"2", [b"1"])


async def test_a_call_that_was_counted_and_not_made_is_taken_back(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=3 tag=never-made]]", created_at="1")
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"], stream.meta["attempt"]) == ("expired", b"0", b"0")
    assert (await shop.calls("never-made"))["calls"] == 0


async def test_a_call_that_is_given_up_may_end_in_an_error_of_what_lies_below(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library may make something else of the cancellation: it was a silence all the same, and one failure."""
    async with shop.worker() as parts:
        call = parts.services.claude.call

        @asynccontextmanager
        async def fall_silent(_: Request) -> AsyncIterator[Answer]:
            monkeypatch.setattr(parts.services.claude, "call", call)
            parts.pool.leases[stream_id].life.interrupt.stop(Why.SILENT)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise UpstreamError(failure.LOST) from None
            raise AssertionError
            yield

        monkeypatch.setattr(parts.services.claude, "call", fall_silent)
        stream_id = await shop.submit("[[sim: tokens=3 tag=given-up]]")
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"], stream.meta["silences"]) == ("completed", b"2", b"1")
    assert [told["reason"] for told in stream.data("relay.retry")] == ["silent"]
