"""A reader goes on from where it was, if that is proven."""

from __future__ import annotations

from itertools import pairwise

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.frames import PROOF_LENGTH, Position, origin, position_at_end
from app.stream.log import Log, State
from tests.app.stream.log.written import FIRST, STREAM, end, lose_tail, next_message, stands
from tests.app.stream.telling import OWNER, tell, write


@pytest.fixture
async def places(log: Log, start: Position) -> list[Position]:
    """All frames' ends of a log of five events, its start included."""
    ends = [start]
    for text in ("one", "two\nlines", "three", "vier 🌊", "five"):
        ends.append(await write(log, FIRST, ends[-1], text))
    return ends


async def test_a_reader_goes_on_from_each_place_that_it_was_given(
    redis: Redis, log: Log, places: list[Position]
) -> None:
    whole = await stands(redis)
    for place in places:
        read = await log.read(STREAM, place)
        assert (read.proven, read.start, read.data) == (True, place, whole[place.offset :])
        assert (read.state, read.owner, read.length) == (State.RUNNING, OWNER, len(whole))


async def test_a_place_that_this_log_never_gave_is_not_proven(redis: Redis, log: Log, places: list[Position]) -> None:
    """Whatever was asked for, what comes is what a reader without a place is given."""
    whole = await stands(redis)
    given = set(places)
    wrong = {
        *(Position(offset, places[3].crc) for offset in range(len(whole) + 2 * PROOF_LENGTH)),
        *(Position(place.offset, place.crc ^ 1) for place in places),
        *(Position(one.offset, other.crc) for one, other in pairwise(places)),
        Position(places[1].offset, tell(origin("st_other"), "one")[1].crc),
        origin("st_other"),
        Position(999_999_999, 0xFFFFFFFF),
    } - given
    for place in wrong:
        read = await log.read(STREAM, place)
        assert (read.proven, read.start, read.data) == (False, places[0], whole), place


async def test_a_place_that_was_lost_is_not_proven_and_is_again_once_healed(
    redis: Redis, log: Log, places: list[Position]
) -> None:
    whole = await stands(redis)
    await lose_tail(redis, places[3].offset)
    assert not (await log.read(STREAM, places[4])).proven
    assert (await log.read(STREAM, places[3])).proven
    await log.append(FIRST, 0, whole)
    assert (await log.read(STREAM, places[4])).data == whole[places[4].offset :]


async def test_another_history_of_the_same_length_proves_nothing(
    redis: Redis, log: Log, places: list[Position]
) -> None:
    await lose_tail(redis, places[3].offset)
    other = await write(log, FIRST, places[3], "VIER 🌊")
    assert other.offset == places[4].offset
    assert not (await log.read(STREAM, places[4])).proven
    assert (await log.read(STREAM, other)).proven


async def test_a_reader_without_a_place_begins_at_the_newest_attempt(
    redis: Redis, log: Log, places: list[Position]
) -> None:
    assert (await log.read(STREAM, None)).start == places[0]
    await log.append(FIRST, places[-1].offset, b"", {"base": places[2].offset, "attempt": 2})
    read = await log.read(STREAM, None)
    assert (read.start, read.base, read.attempt) == (places[2], places[2].offset, 2)
    assert read.data == (await stands(redis))[places[2].offset :]
    forged = await log.read(STREAM, Position(places[4].offset, 0))
    assert (forged.proven, forged.start, forged.data) == (False, places[2], read.data)
    assert (await log.read(STREAM, places[1])).start == places[1]


async def test_a_log_that_lost_its_newest_attempt_says_that_nothing_is_known(
    redis: Redis, log: Log, places: list[Position]
) -> None:
    await log.append(FIRST, places[-1].offset, b"", {"base": places[3].offset, "attempt": 2})
    await lose_tail(redis, places[2].offset)
    read = await log.read(STREAM, places[4])
    assert (read.proven, read.start, read.data) == (False, None, b"")


async def test_a_read_brings_no_more_than_was_asked(redis: Redis, log: Log, places: list[Position]) -> None:
    whole = await stands(redis)
    limit = places[2].offset - places[1].offset + 5
    read = await log.read(STREAM, places[1], limit)
    assert read.data == whole[places[1].offset :][:limit]
    assert read.whole() == whole[places[1].offset : places[2].offset]
    assert (await log.read(STREAM, None, limit)).data == whole[:limit]
    assert (await log.read(STREAM, places[0], 3)).whole() == b""


async def test_a_log_can_be_read_in_parts_of_any_size(redis: Redis, log: Log, places: list[Position]) -> None:
    longest = max(after.offset - before.offset for before, after in pairwise(places))
    whole = await stands(redis)
    for limit in range(longest, len(whole) + 2):
        at, seen = places[0], b""
        while part := (await log.read(STREAM, at, limit)).whole():
            seen += part
            at = position_at_end(part) or at
        assert (seen, at) == (whole, places[-1])


async def test_only_what_reaches_the_end_of_an_ended_log_is_complete(log: Log, places: list[Position]) -> None:
    assert not (await log.read(STREAM, places[2])).complete
    _, after = await end(log, FIRST, places[-1])
    assert (await log.read(STREAM, places[2])).complete
    assert (await log.read(STREAM, after)).complete
    assert not (await log.read(STREAM, places[2], 5)).complete


async def test_a_stream_that_was_there_once_is_told_from_one_that_never_was(
    redis: Redis, log: Log, start: Position
) -> None:
    assert (await log.read("st_never", None)).state is State.UNKNOWN
    _, after = await end(log, FIRST, start)
    await redis.delete(keys.log(STREAM), keys.meta(STREAM))
    for place in (None, start, after):
        read = await log.read(STREAM, place)
        assert (read.state, read.owner, read.proven, read.data) == (State.GONE, OWNER, False, b"")


async def test_an_empty_log_has_no_last_id_and_begins_at_its_seed(redis: Redis, log: Log, start: Position) -> None:
    assert await log.last_id(STREAM) is None
    read = await log.read(STREAM, None)
    assert (read.start, read.data, read.length) == (start, b"", 0)
    assert await log.meta("st_never", "owner") is None
    assert await redis.exists(keys.log(STREAM)) == 0


async def test_a_stream_is_read_while_any_front_listens(redis: Redis, log: Log) -> None:
    assert not await log.is_read(STREAM)
    async with redis.pubsub() as listener:
        await listener.subscribe(keys.channel(STREAM))
        await next_message(listener)
        assert await log.is_read(STREAM)
