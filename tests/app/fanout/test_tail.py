"""One tail on its own: what it is told, and what its readers are handed."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.fanout.shared_log import SharedLog
from app.fanout.tail import Tail
from app.stream import keys
from app.stream.frames import Position, origin
from app.stream.log import State
from tests.app.following import STREAM, Stream
from tests.app.tails import Noting, SlowLog, live, repaired
from tests.patience import PATIENCE


async def test_messages_of_one_read_are_handed_on_in_one_piece(tail: Tail, stream: Stream) -> None:
    one, other = live(tail), live(tail)
    first, second = stream.frame("a"), stream.frame("b")
    tail.message(b"0:" + first)
    tail.message(b"%d:%b" % (len(first), second))
    assert one.pieces == []
    tail.settle()
    tail.settle()
    assert one.pieces == other.pieces == [first + second]
    assert tail.state is State.RUNNING


async def test_a_message_that_comes_twice_is_handed_on_once(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    first, second = stream.frame("a"), stream.frame("b")
    for message in (first, first, first + second, second):
        tail.message(b"%d:%b" % (0 if message.startswith(first) else len(first), message))
        tail.settle()
    assert reader.pieces == [first, second]


async def test_the_ending_finishes_whoever_is_live(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    await stream.write("a")
    await stream.end()
    tail.message(b"0:" + stream.written)
    tail.settle()
    assert reader.fed == stream.written
    await repaired(tail)
    assert (reader.fed, reader.told, reader.position) == (stream.written, ["finished"], stream.position)
    assert (tail.ended, tail.state, tail.live) == (True, State.ENDED, {})


async def test_an_ending_that_the_streams_state_does_not_know_is_none(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    stream.forge("relay.end", b"{}")
    await stream.publish()
    tail.message(b"0:" + stream.written)
    tail.settle()
    await repaired(tail)
    assert (reader.fed, reader.told, tail.ended) == (stream.written, [], False)
    await stream.end()
    tail.gap()
    await repaired(tail)
    assert (reader.fed, reader.told, tail.ended) == (stream.written, ["finished"], True)


async def test_a_text_that_speaks_of_the_ending_is_none(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    tail.message(b"0:" + stream.frame("x\nevent: relay.end\ndata: {}"))
    tail.settle()
    assert reader.told == []
    assert not tail.ended


async def test_an_ending_that_was_never_published_is_found(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    await stream.write("a")
    await stream.end()
    tail.check(stream.position.proof)
    await repaired(tail)
    assert (reader.fed, reader.told) == (stream.written, ["finished"])


async def test_a_tail_that_begins_at_the_ending_has_ended(slow_log: SlowLog, stream: Stream) -> None:
    await stream.end()
    tail = Tail(STREAM, SharedLog(slow_log), stream.position)
    tail.seal = None
    reader = live(tail)
    tail.repair()
    await repaired(tail)
    assert (tail.ended, reader.told) == (True, ["finished"])


async def test_a_new_attempt_is_where_later_readers_begin(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    await stream.write("a")
    await stream.restart()
    begins = stream.position
    await stream.write("b")
    tail.message(b"0:" + stream.written)
    tail.settle()
    assert (tail.base, tail.attempt) == (begins, 2)
    assert reader.fed == stream.written


@pytest.mark.parametrize(
    "payload", [b"v2 0:x", b"v2 !thinking:5", b"!dancing:5", b"!thinking:soon", b"", b":", b"thinking:5", b"-1:x"]
)
async def test_what_another_version_says_is_a_gap(tail: Tail, stream: Stream, payload: bytes) -> None:
    """The log knows what it was about; readers see nothing of it."""
    reader = live(tail)
    await stream.write("a")
    tail.message(payload)
    await repaired(tail)
    assert (reader.fed, reader.told) == (stream.written, [])


async def test_only_who_stands_at_the_end_goes_live(tail: Tail, stream: Stream) -> None:
    tail.message(b"0:" + stream.frame("a"))
    behind, elsewhere = Noting(origin(STREAM)), Noting(Position(stream.position.offset, stream.position.crc ^ 1))
    assert not tail.go_live(behind)
    assert not tail.go_live(elsewhere)
    there = Noting(stream.position)
    assert tail.go_live(there)
    assert list(tail.live) == [there]


async def test_who_falls_behind_is_not_fed_and_keeps_its_place(tail: Tail, stream: Stream) -> None:
    slow, quick = live(tail), live(tail)
    tail.message(b"0:" + stream.frame("a"))
    tail.settle()
    stands = stream.position
    assert tail.fall_behind(slow)
    assert not tail.fall_behind(slow)
    tail.message(b"%d:%b" % (stands.offset, stream.frame("b")))
    tail.settle()
    assert (slow.position, len(slow.pieces)) == (stands, 1)
    assert quick.fed == stream.written
    assert tail.splice.after(slow.position) == stream.written[stands.offset :]


async def test_a_lost_stream_is_told_once(tail: Tail, redis: Redis, stream: Stream) -> None:
    reader = live(tail)
    await redis.delete(keys.meta(stream.id))
    for _ in range(2):
        tail.gap()
        await repaired(tail)
    assert reader.told == ["lost"]
    assert tail.gone
    assert not tail.go_live(Noting(tail.splice.end))


async def test_who_waits_for_a_change_is_woken_by_it(tail: Tail, stream: Stream) -> None:
    waiting = [asyncio.create_task(tail.changed()) for _ in range(2)]
    watcher = asyncio.Event()
    tail.watchers.add(watcher)
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    tail.message(b"0:" + stream.frame("a"))
    tail.settle()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting)
    assert watcher.is_set()


async def test_one_who_gives_up_waiting_takes_nobody_along(tail: Tail) -> None:
    waiting, leaving = (asyncio.create_task(tail.changed()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    tail.wake()
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert leaving.cancelled()
