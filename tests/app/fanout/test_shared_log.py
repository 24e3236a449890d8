"""What readers take from logs together: few reads at once, one for all who ask the same, large frames proven whole."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.fanout import shared_log
from app.fanout.shared_log import SharedLog
from app.stream import keys
from app.stream.frames import Position, origin
from app.stream.log import READ_BYTES, Log, Read
from tests.app.following import Stream
from tests.patience import PATIENCE

STREAM = "st_reads"


class Slow(Log):
    """A log that answers when it may, and counts."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.may = asyncio.Event()
        self.may.set()
        self.asked = 0
        self.now = 0
        self.most = 0
        self.fails = False
        self.between: list[asyncio.Future[None]] = []

    async def read(self, stream_id: str, after: Position | None, limit: int = READ_BYTES, skip: int = 0) -> Read:
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.may.wait()
            if self.fails:
                raise RedisConnectionError
            return await super().read(stream_id, after, limit, skip)
        finally:
            self.now -= 1


@pytest.fixture
async def stream(redis: Redis) -> Stream:
    stream = await Stream.begin(redis, STREAM)
    for n in range(30):
        await stream.write(f"event {n}")
    return stream


@pytest.fixture
def log(redis: Redis) -> Slow:
    return Slow(redis)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_ask_the_same_share_one_read(log: Slow, stream: Stream) -> None:
    shared = SharedLog(log)
    log.may.clear()
    asking = [asyncio.create_task(shared.read(STREAM, origin(STREAM))) for _ in range(50)]
    await settled()
    log.may.set()
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*asking)
    assert log.asked == 1
    assert all(answer is answers[0] for answer in answers)
    assert answers[0].data == stream.written
    await shared.read(STREAM, origin(STREAM))
    assert log.asked == 2


async def test_one_who_gives_up_takes_nobody_along(log: Slow, stream: Stream) -> None:
    shared = SharedLog(log)
    log.may.clear()
    leaving, staying = (asyncio.create_task(shared.read(STREAM, origin(STREAM))) for _ in range(2))
    await settled()
    leaving.cancel()
    await settled()
    log.may.set()
    async with asyncio.timeout(PATIENCE):
        assert (await staying).data == stream.written


async def test_all_who_asked_hear_that_it_failed(log: Slow, stream: Stream) -> None:
    shared = SharedLog(log)
    log.fails = True
    asking = [shared.read(stream.id, origin(STREAM)) for _ in range(3)]
    async with asyncio.timeout(PATIENCE):
        assert [type(one) for one in await asyncio.gather(*asking, return_exceptions=True)] == [
            RedisConnectionError
        ] * 3


async def test_a_herd_leaves_connections_to_the_others_and_to_the_tails(log: Slow, stream: Stream) -> None:
    shared = SharedLog(log)
    log.may.clear()
    asking = [asyncio.create_task(shared.read(STREAM, place)) for place in stream.places]
    await settled()
    assert log.now == shared_log.READS_AT_ONCE
    tails = [asyncio.create_task(shared.fresh(STREAM, stream.position)) for _ in range(30)]
    await settled()
    assert log.now == 2 * shared_log.READS_AT_ONCE
    log.may.set()
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*asking)
        await asyncio.gather(*tails)
    assert log.most == 2 * shared_log.READS_AT_ONCE
    for place, answer in zip(stream.places, answers, strict=True):
        assert (answer.proven, answer.data) == (True, stream.written[place.offset :])


async def test_a_tails_read_is_never_one_that_began_before(log: Slow, stream: Stream) -> None:
    shared = SharedLog(log)
    log.may.clear()
    early = asyncio.create_task(shared.read(STREAM, stream.position))
    late = asyncio.create_task(shared.fresh(STREAM, stream.position))
    await settled()
    assert log.asked == 2
    log.may.set()
    await asyncio.gather(early, late)


async def test_a_frame_larger_than_a_read_comes_whole_wherever_the_pieces_are_cut(redis: Redis) -> None:
    limit = 100
    for size in range(2 * limit, 3 * limit + 5):  # so that each byte of a frame's end is once a piece's first
        stream = await Stream.begin(redis, f"{STREAM}{size}")
        await stream.write("before", "x" * size, "behind")
        shared, place, given = SharedLog(stream.log), stream.places[0], b""
        while place != stream.position:
            read = await shared.read(stream.id, place, limit)
            given += read.whole()
            place = next(place for place in stream.places if place.offset == len(given))
        assert given == stream.written
        read = await shared.read(stream.id, None, limit)
        assert read.whole() == stream.written[: len(read.whole())] != b""


async def test_pieces_of_two_histories_are_none(redis: Redis, stream: Stream) -> None:
    place = stream.position
    await stream.write("x" * 1000)

    class Changing(Slow):
        async def read(self, stream_id: str, after: Position | None, limit: int = READ_BYTES, skip: int = 0) -> Read:
            if skip >= 200:  # another history, of the same length, between two pieces
                await redis.setrange(keys.log(STREAM), place.offset + 500, b"y" * 100)
            return await super().read(stream_id, after, limit, skip)

    read = await SharedLog(Changing(redis)).read(STREAM, place, 200)
    assert (read.proven, read.data) == (True, b"")


async def test_a_log_that_vanishes_between_two_pieces_gives_nothing(redis: Redis, stream: Stream) -> None:
    place = stream.position
    await stream.write("x" * 1000)

    class Vanishing(Slow):
        async def read(self, stream_id: str, after: Position | None, limit: int = READ_BYTES, skip: int = 0) -> Read:
            if skip >= 400:
                await redis.set(keys.log(STREAM), stream.written[: place.offset - 40], keepttl=True)
            return await super().read(stream_id, after, limit, skip)

    read = await SharedLog(Vanishing(redis)).read(STREAM, place, 200)
    assert read.data == b""


async def test_a_part_is_cut_anywhere_and_shared(log: Slow, stream: Stream) -> None:
    shared = SharedLog(log)
    place = stream.places[3]
    parts = await asyncio.gather(*(shared.part(STREAM, place, 7, 100) for _ in range(3)))
    assert log.asked == 1
    assert parts[0].data == stream.written[place.offset + 7 :][:100]
