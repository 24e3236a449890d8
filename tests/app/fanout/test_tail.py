"""One tail on its own: what it is told, what it reads by itself, and what its readers are handed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.fanout import tail as tails
from app.fanout.audience import Piece
from app.fanout.tail import Tail
from app.stream import keys
from app.stream.frames import Position, origin
from app.stream.log import READ_BYTES, Log, Read, State
from tests.app.following import Stream

STREAM = "st_tail"
ANSWER_SECONDS = 20.0


class Gate(Log):
    """A log whose answers wait until they are let through, or get lost."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.asked_for = 0
        self.lose = 0

    async def read(self, stream_id: str, after: Position | None, limit: int = READ_BYTES, skip: int = 0) -> Read:
        read = await super().read(stream_id, after, limit, skip)
        self.asked_for += 1
        self.asked.set()
        await self.open.wait()
        if self.lose:
            self.lose -= 1
            raise RedisConnectionError
        return read


class Noting:
    """A reader that notes what it is told."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self.pieces: list[bytes] = []
        self.told: list[Any] = []

    @property
    def fed(self) -> bytes:
        return b"".join(self.pieces)

    def feed(self, piece: Piece) -> None:
        assert piece.large or piece.chunk == b"%x\r\n%b\r\n" % (len(piece.data), piece.data)
        self.pieces.append(piece.data)

    def reset(self, reason: str, attempt: int, position: Position) -> None:
        self.told.append((reason, attempt, position))
        self.pieces.clear()
        self.position = position

    def aside(self, piece: Piece) -> None:
        self.told.append(piece.data)

    def lost(self) -> None:
        self.told.append("lost")

    def leave(self, retry_ms: int) -> None:
        self.told.append(retry_ms)

    def finish(self) -> None:
        self.told.append("finished")


@pytest.fixture
async def stream(redis: Redis) -> Stream:
    return await Stream.begin(redis, STREAM)


@pytest.fixture
def gate(redis: Redis) -> Gate:
    return Gate(redis)


@pytest.fixture
async def tail(gate: Gate) -> AsyncIterator[Tail]:
    made = Tail(STREAM, gate, origin(STREAM))
    yield made
    made.close()


def live(tail: Tail) -> Noting:
    reader = Noting(tail.splice.end)
    tail.attach(reader)
    assert tail.go_live(reader)
    return reader


async def repaired(tail: Tail) -> None:
    async with asyncio.timeout(ANSWER_SECONDS):
        await tail.repaired()


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


async def test_a_hole_is_filled_from_the_log(tail: Tail, stream: Stream) -> None:
    reader = live(tail)
    await stream.write("a", "b")
    start = stream.position.offset
    await stream.write("c")
    tail.message(b"%d:%b" % (start, stream.written[start:]))
    tail.settle()
    await repaired(tail)
    assert reader.fed == stream.written


async def test_a_message_that_comes_while_the_log_is_read_is_not_lost(tail: Tail, gate: Gate, stream: Stream) -> None:
    """The read was answered before the message was sent: only the message has the rest."""
    reader = live(tail)
    await stream.write("a")
    gate.open.clear()
    tail.repair()
    async with asyncio.timeout(ANSWER_SECONDS):
        await gate.asked.wait()
    start = stream.position.offset
    rest = stream.frame("b")
    tail.message(b"%d:%b" % (start, rest))
    tail.settle()
    assert reader.fed == b""
    gate.open.set()
    await repaired(tail)
    assert reader.fed == stream.written


async def test_more_messages_than_are_kept_meanwhile_are_read(
    tail: Tail, gate: Gate, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "STASH_LIMIT", 3)
    reader = live(tail)
    await stream.write("first")
    gate.open.clear()
    tail.repair()
    async with asyncio.timeout(ANSWER_SECONDS):
        await gate.asked.wait()
    for n in range(20):
        start = stream.position.offset
        await stream.write(f"more {n}")
        tail.message(b"%d:%b" % (start, stream.written[start:]))
    assert len(tail._stash) == 3
    gate.open.set()
    await repaired(tail)
    assert reader.fed == stream.written


async def test_many_gaps_while_the_log_is_read_are_one_more_read(tail: Tail, gate: Gate, stream: Stream) -> None:
    await stream.write("a")
    gate.open.clear()
    tail.gap()
    async with asyncio.timeout(ANSWER_SECONDS):
        await gate.asked.wait()
    await stream.write("b")
    for _ in range(50):
        tail.gap()
    gate.open.set()
    await repaired(tail)
    assert tail.splice.end == stream.position
    assert gate.asked_for <= 3  # the last of them finds nothing new


async def test_a_read_that_fails_is_tried_again(
    tail: Tail, gate: Gate, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "RETRY_SECONDS", 0.0)
    gate.lose = 3
    reader = live(tail)
    await stream.write("a")
    tail.gap()
    await repaired(tail)
    assert (reader.fed, reader.told) == (stream.written, [])


async def test_frames_larger_than_one_read_are_read(tail: Tail, stream: Stream) -> None:
    await stream.write("before")
    await stream.write("x" * 3 * READ_BYTES, "behind")
    read = await tail.read(stream.places[1])
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


async def test_a_tail_that_begins_at_the_ending_has_ended(gate: Gate, stream: Stream) -> None:
    await stream.end()
    tail = Tail(STREAM, gate, stream.position)
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


async def test_an_end_that_is_known_is_not_read(tail: Tail, gate: Gate, stream: Stream) -> None:
    tail.message(b"0:" + stream.frame("a"))
    tail.settle()
    tail.check(stream.position.proof)
    await repaired(tail)
    assert gate.asked_for == 0


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
    async with asyncio.timeout(ANSWER_SECONDS):
        await asyncio.gather(*waiting)
    assert watcher.is_set()


async def test_one_who_gives_up_waiting_takes_nobody_along(tail: Tail) -> None:
    waiting, leaving = (asyncio.create_task(tail.changed()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    tail.wake()
    async with asyncio.timeout(ANSWER_SECONDS):
        await waiting
    assert leaving.cancelled()


async def test_a_closed_tail_reads_no_more(tail: Tail, gate: Gate) -> None:
    gate.open.clear()
    tail.repair()
    async with asyncio.timeout(ANSWER_SECONDS):
        await gate.asked.wait()
    reading = tail._rounds._task
    assert reading is not None
    tail.close()
    async with asyncio.timeout(ANSWER_SECONDS):
        await asyncio.wait({reading})
    assert reading.cancelled()
    tail.repair()
    assert tail._rounds._task is None
