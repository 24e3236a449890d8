"""A tail repairs itself: what the channel did not bring is read, by one read for all who ask."""

from __future__ import annotations

import asyncio

import pytest

from app.fanout import tail as tails
from app.fanout.tail import Tail
from app.fanout.tailing import stash
from app.stream.log import READ_BYTES
from tests.app.following import STREAM, Stream
from tests.app.tails import SlowLog, live, repaired
from tests.patience import PATIENCE


async def test_a_hole_is_filled_from_the_log(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    await stream.write("a", "b")
    start = stream.position.offset
    await stream.write("c")
    tail.message(b"%d:%b" % (start, stream.written[start:]))
    tail.settle()
    await repaired(tail)
    assert reader.fed == stream.written


async def test_a_message_that_comes_while_the_log_is_read_is_not_lost(
    tail: Tail, slow_log: SlowLog, stream: Stream
) -> None:
    """The read was answered before the message was sent: only the message has the rest."""
    reader = live(tail)
    await stream.write("a")
    slow_log.open.clear()
    tail.repair()
    async with asyncio.timeout(PATIENCE):
        await slow_log.asked.wait()
    start = stream.position.offset
    rest = stream.frame("b")
    tail.message(b"%d:%b" % (start, rest))
    tail.settle()
    assert reader.fed == b""
    slow_log.open.set()
    await repaired(tail)
    assert reader.fed == stream.written


async def test_more_messages_than_are_kept_meanwhile_are_read(
    tail: Tail, slow_log: SlowLog, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stash, "STASH_LIMIT", 3)
    reader = live(tail)
    await stream.write("first")
    slow_log.open.clear()
    tail.repair()
    async with asyncio.timeout(PATIENCE):
        await slow_log.asked.wait()
    for n in range(20):
        start = stream.position.offset
        await stream.write(f"more {n}")
        tail.message(b"%d:%b" % (start, stream.written[start:]))
    assert len(tail._stash._messages) == 3
    slow_log.open.set()
    await repaired(tail)
    assert reader.fed == stream.written


async def test_many_gaps_while_the_log_is_read_are_one_more_read(tail: Tail, slow_log: SlowLog, stream: Stream) -> None:
    await stream.write("a")
    slow_log.open.clear()
    tail.gap()
    async with asyncio.timeout(PATIENCE):
        await slow_log.asked.wait()
    await stream.write("b")
    for _ in range(50):
        tail.gap()
    slow_log.open.set()
    await repaired(tail)
    assert tail.splice.end == stream.position
    assert slow_log.asked_for <= 3  # the last of them finds nothing new


async def test_a_read_that_fails_is_tried_again(
    tail: Tail, slow_log: SlowLog, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "RETRY_SECONDS", 0.0)
    slow_log.lose = 3
    reader = live(tail)
    await stream.write("a")
    tail.gap()
    await repaired(tail)
    assert (reader.fed, reader.told) == (stream.written, [])


async def test_frames_larger_than_one_read_are_read(tail: Tail, stream: Stream) -> None:
    await stream.write("before")
    await stream.write("x" * 3 * READ_BYTES, "behind")
    read = await tail.log.read(STREAM, stream.places[1])
    assert read.proven
    assert read.whole() == stream.written[stream.places[1].offset :][: len(read.whole())]
    assert read.whole()
    reader = live(tail)
    tail.repair()
    await repaired(tail)
    assert reader.fed == stream.written


async def test_a_log_longer_than_one_read_is_read_to_its_end(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    for n in range(5):
        await stream.write(str(n) * (READ_BYTES // 2))
    tail.repair()
    await repaired(tail)
    assert reader.fed == stream.written
    assert all(len(piece) <= READ_BYTES for piece in reader.pieces)


async def test_an_end_that_is_known_is_not_read(tail: Tail, slow_log: SlowLog, stream: Stream) -> None:
    tail.message(b"0:" + stream.frame("a"))
    tail.settle()
    tail.check(stream.position.proof)
    await repaired(tail)
    assert slow_log.asked_for == 0


async def test_a_closed_tail_reads_no_more(tail: Tail, slow_log: SlowLog) -> None:
    slow_log.open.clear()
    tail.repair()
    async with asyncio.timeout(PATIENCE):
        await slow_log.asked.wait()
    reading = tail._repair._task
    assert reading is not None
    tail.close()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait({reading})
    assert reading.cancelled()
    tail.repair()
    assert tail._repair._task is None
