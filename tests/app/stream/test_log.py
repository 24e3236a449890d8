"""The log's scripts on a real server: who may write where, what a repetition does, and what a reader is given."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from app.stream import keys
from app.stream.frames import PROOF_LENGTH, Position, origin, position_at_end
from app.stream.log import Claim, Log, State, Status
from tests.app.stream.telling import LIFE_MS, OWNER, accept, tell, write

STREAM = "st_log"
FIRST, SECOND = Claim(STREAM, 7, "one/1"), Claim(STREAM, 9, "two/1")
ENDING_MS = 60_000
ANSWER_SECONDS = 5.0


@pytest.fixture
def log(redis: Redis) -> Log:
    return Log(redis)


@pytest.fixture
async def start(log: Log) -> Position:
    """Where the log of an accepted stream begins, that FIRST holds."""
    position = await accept(log, STREAM)
    assert (await log.begin(FIRST)).status is Status.OK
    return position


async def stands(redis: Redis) -> bytes:
    return bytes(await redis.get(keys.log(STREAM)) or b"")


async def lose_tail(redis: Redis, length: int) -> None:
    """What a server that restarts without its last second does to a log."""
    await redis.set(keys.log(STREAM), (await stands(redis))[:length], keepttl=True)


async def end(log: Log, claim: Claim, position: Position) -> tuple[bytes, Position]:
    told, after = tell(position, "the end")
    ended = await log.append(claim, position.offset, told, {"outcome": "completed"}, ENDING_MS)
    assert ended.status is Status.OK
    return told, after


# --- opening


async def test_a_stream_that_is_never_confirmed_goes_by_itself(redis: Redis, log: Log) -> None:
    created_at = await log.open(STREAM, {"owner": OWNER, "request": "{}"})
    seconds, micros = await redis.time()
    assert 0 <= seconds * 1000 + micros // 1000 - created_at < ANSWER_SECONDS * 1000
    assert 0 < await redis.ttl(keys.meta(STREAM)) <= keys.SUBMIT_SECONDS
    assert await log.meta(STREAM, "owner", "created_at") == {
        "state": b"queued",
        "owner": OWNER.encode(),
        "created_at": str(created_at).encode(),
    }


async def test_a_confirmed_stream_is_kept_and_a_dropped_one_is_gone(redis: Redis, log: Log) -> None:
    await log.open(STREAM, {"owner": OWNER})
    assert await log.keep(STREAM, LIFE_MS)
    assert keys.SUBMIT_SECONDS * 1000 < await redis.pttl(keys.meta(STREAM)) <= LIFE_MS
    await log.drop(STREAM)
    assert await redis.keys("*") == []
    assert not await log.keep(STREAM, LIFE_MS)


async def test_to_open_again_changes_nothing(redis: Redis, log: Log) -> None:
    """A submit whose reply was lost is repeated as a whole, and its stream may be running by then."""
    await accept(log, STREAM)
    created_at = int((await log.begin(FIRST)).meta["created_at"])
    before = await redis.hgetall(keys.meta(STREAM))
    assert await log.open(STREAM, {"owner": "another", "request": "{}"}) == created_at
    assert await redis.hgetall(keys.meta(STREAM)) == before
    assert await redis.pttl(keys.meta(STREAM)) > keys.SUBMIT_SECONDS * 1000


# --- beginning


async def test_the_first_attempt_is_counted_once_for_who_begins(log: Log) -> None:
    await accept(log, STREAM)
    assert (await log.begin(FIRST, count=True)).counted
    again = await log.begin(FIRST, count=True)  # its reply was lost
    assert (again.counted, again.meta["attempt"]) == (True, b"1")
    assert not (await log.begin(FIRST)).counted
    taken_over = await log.begin(SECOND, count=True)
    assert (taken_over.counted, taken_over.meta["attempt"]) == (False, b"1")


async def test_a_stream_that_is_to_be_cancelled_gets_no_attempt(log: Log) -> None:
    await accept(log, STREAM)
    await log.cancel(STREAM)
    begun = await log.begin(SECOND, count=True)
    assert not begun.counted
    assert "attempt" not in begun.meta


async def test_a_holder_finds_the_stream_as_it_stands(log: Log) -> None:
    position = await accept(log, STREAM)
    begun = await log.begin(FIRST)
    assert (begun.status, begun.length, begun.position) == (Status.OK, 0, position)
    assert begun.meta["state"] == b"running"
    assert begun.meta["request"] == b"{}"
    assert int(begun.meta["started_at"]) <= begun.now
    after = await write(log, FIRST, position, "one", "two")
    taken_over = await log.begin(SECOND)
    assert (taken_over.status, taken_over.length, taken_over.position) == (Status.OK, after.offset, after)
    assert taken_over.meta["started_at"] == begun.meta["started_at"]


async def test_to_begin_again_changes_nothing(log: Log, start: Position) -> None:
    before = await log.begin(FIRST)
    again = await log.begin(FIRST)
    assert (again.status, again.meta, again.position) == (Status.OK, before.meta, start)


@pytest.mark.parametrize("older", [Claim(STREAM, 8, "two/1"), Claim(STREAM, 9, "three/1"), Claim(STREAM, 9, "two/2")])
async def test_who_is_not_the_newest_holder_is_fenced(redis: Redis, log: Log, start: Position, older: Claim) -> None:
    """Also under the same number, which a failover can hand out twice: it counts together with the holder's name."""
    await log.begin(SECOND)
    before = await redis.hgetall(keys.meta(STREAM))
    assert (await log.begin(older)).status is Status.FENCED
    told, _ = tell(start, "late")
    assert (await log.append(older, 0, told, {"attempt": 5}, ENDING_MS)).status is Status.FENCED
    assert await stands(redis) == b""
    assert await redis.hgetall(keys.meta(STREAM)) == before


async def test_a_stream_whose_front_died_before_it_confirmed_is_kept_by_its_holder(redis: Redis, log: Log) -> None:
    await log.open(STREAM, {"owner": OWNER})
    await log.begin(FIRST, LIFE_MS)
    assert await redis.pttl(keys.meta(STREAM)) > LIFE_MS / 2
    assert await redis.pexpire(keys.meta(STREAM), LIFE_MS - 60_000)
    await log.begin(SECOND, LIFE_MS)
    assert await redis.pttl(keys.meta(STREAM)) <= LIFE_MS - 60_000


async def test_a_stream_that_is_lost_cannot_be_begun(redis: Redis, log: Log) -> None:
    assert (await log.begin(FIRST)).status is Status.GONE
    assert await redis.keys("*") == []


# --- appending


async def test_what_is_appended_stands_as_long_as_the_stream(redis: Redis, log: Log, start: Position) -> None:
    told, after = tell(start, "one", "two\nlines", "Grüße 🌊")
    appended = await log.append(FIRST, 0, told, {"attempt": 1})
    assert (appended.status, appended.length, appended.cancelled) == (Status.OK, after.offset, False)
    assert await stands(redis) == told
    assert await log.last_id(STREAM) == after.id
    assert await log.meta(STREAM, "attempt") == {"state": b"running", "attempt": b"1"}
    assert await redis.pexpiretime(keys.log(STREAM)) <= await redis.pexpiretime(keys.meta(STREAM))
    assert await redis.pttl(keys.log(STREAM)) > LIFE_MS / 2


async def test_nothing_may_be_appended_to_a_lost_stream(redis: Redis, log: Log) -> None:
    told, _ = tell(origin(STREAM), "one")
    assert (await log.append(FIRST, 0, told)).status is Status.GONE
    assert await redis.keys("*") == []


async def test_an_append_that_is_repeated_changes_nothing(redis: Redis, log: Log, start: Position) -> None:
    at = await write(log, FIRST, start, "one")
    told, after = tell(at, "two", "three")
    for _ in range(3):
        appended = await log.append(FIRST, at.offset, told)
        assert (appended.status, appended.length) == (Status.OK, after.offset)
    assert await stands(redis) == tell(start, "one", "two", "three")[0]


async def test_a_repetition_that_carries_more_appends_only_the_rest(redis: Redis, log: Log, start: Position) -> None:
    told, _ = tell(start, "one", "two", "three")
    short, _ = tell(start, "one", "two")
    await log.append(FIRST, 0, short)
    appended = await log.append(FIRST, 0, told, {"attempt": 1})
    assert (appended.status, appended.length) == (Status.OK, len(told))
    assert await stands(redis) == told
    assert await log.meta(STREAM, "attempt") == {"state": b"running", "attempt": b"1"}


async def test_a_repetition_that_carries_more_is_fenced_like_any_append(
    redis: Redis, log: Log, start: Position
) -> None:
    await write(log, FIRST, start, "one")
    await log.begin(SECOND)
    told, _ = tell(start, "one", "two")
    assert (await log.append(FIRST, 0, told)).status is Status.FENCED
    assert await stands(redis) == tell(start, "one")[0]


async def test_a_repetition_is_recognised_whatever_came_between(redis: Redis, log: Log, start: Position) -> None:
    """A holder whose reply was lost learns that its bytes stand, although it holds the stream no more."""
    told, after = tell(start, "one")
    await log.append(FIRST, 0, told)
    await log.begin(SECOND)
    assert (await log.append(FIRST, 0, told)).status is Status.OK
    await write(log, SECOND, after, "two")
    assert (await log.append(FIRST, 0, told)).status is Status.FENCED
    assert (await log.append(SECOND, 0, told)).status is Status.CONFLICT
    assert await stands(redis) == tell(start, "one", "two")[0]


async def test_a_log_that_lost_its_tail_is_told_and_healed_with_the_same_bytes(
    redis: Redis, log: Log, start: Position
) -> None:
    whole, after = tell(start, "one", "two", "three")
    at = await write(log, FIRST, start, "one", "two")
    for left in range(at.offset):
        await lose_tail(redis, left)
        told, _ = tell(at, "three")
        appended = await log.append(FIRST, at.offset, told)
        assert (appended.status, appended.length) == (Status.SHORT, left)
        assert (await log.append(FIRST, 0, whole)).length == after.offset
        assert await stands(redis) == whole
        assert await redis.pttl(keys.log(STREAM)) > LIFE_MS / 2
        await lose_tail(redis, at.offset)


async def test_nothing_is_written_over_and_nothing_into_the_middle(redis: Redis, log: Log, start: Position) -> None:
    after = await write(log, FIRST, start, "one", "two")
    before = await stands(redis)
    other, _ = tell(start, "XXX")
    for at in range(after.offset):
        assert (await log.append(FIRST, at, other)).status is Status.CONFLICT
    assert (await log.append(FIRST, after.offset + 1, other)).status is Status.SHORT
    assert await stands(redis) == before


async def test_a_holder_whose_begin_was_lost_takes_the_fence_with_its_whole_log(
    redis: Redis, log: Log, start: Position
) -> None:
    await log.append(FIRST, 0, tell(start, "one")[0])
    whole, after = tell(start, "one", "two")
    assert (await log.append(SECOND, 0, whole)).length == after.offset
    assert await redis.hmget(keys.meta(STREAM), "fence", "holder") == [b"9", b"two/1"]
    assert (await log.begin(FIRST)).status is Status.FENCED


async def test_a_holder_whose_begin_was_lost_never_goes_on_from_another_history_of_the_same_length(
    redis: Redis, log: Log, start: Position
) -> None:
    """After a failover an older holder, who is not fenced any more, fills the log up to where the newer one stands."""
    at = await write(log, FIRST, start, "one")
    lost = {key: await redis.dump(key) for key in (keys.log(STREAM), keys.meta(STREAM))}
    await log.begin(SECOND)
    theirs = await write(log, SECOND, at, "two")
    for key, dump in lost.items():
        await redis.restore(key, LIFE_MS, dump, replace=True)
    ours = await write(log, FIRST, at, "TWO")
    assert ours.offset == theirs.offset
    for told in (b"", tell(theirs, "three")[0]):
        assert (await log.append(SECOND, theirs.offset, told)).status is Status.CONFLICT
    assert await stands(redis) == tell(start, "one", "TWO")[0]
    assert (await log.begin(SECOND)).position == ours


async def test_fields_alone_are_stored_without_a_byte(redis: Redis, log: Log, start: Position) -> None:
    at = await write(log, FIRST, start, "one")
    appended = await log.append(FIRST, at.offset, b"", {"base": at.offset, "attempt": 2})
    assert (appended.status, appended.length) == (Status.OK, at.offset)
    assert await redis.hmget(keys.meta(STREAM), "base", "attempt") == [str(at.offset).encode(), b"2"]


# --- ending


async def test_an_ending_stores_all_of_it_and_drops_the_request(log: Log, start: Position) -> None:
    at = await write(log, FIRST, start, "one")
    _, after = await end(log, FIRST, at)
    assert await log.last_id(STREAM) == after.id
    meta = await log.meta(STREAM, "outcome", "request", "ended_at", "started_at")
    assert meta is not None
    assert (meta["state"], meta["outcome"], "request" in meta) == (b"ended", b"completed", False)
    assert int(meta["ended_at"]) >= int(meta["started_at"])


async def test_an_ended_stream_is_kept_for_its_time_and_its_tomb_longer(
    redis: Redis, log: Log, start: Position
) -> None:
    await end(log, FIRST, start)
    for key in (keys.log(STREAM), keys.meta(STREAM)):
        assert ENDING_MS - ANSWER_SECONDS * 1000 < await redis.pttl(key) <= ENDING_MS
    tomb = await redis.pttl(keys.tomb(STREAM))
    assert ENDING_MS < tomb <= ENDING_MS + keys.TOMB_SECONDS * 1000
    assert await redis.get(keys.tomb(STREAM)) == OWNER.encode()


async def test_an_ended_log_gives_back_what_appending_reserved(redis: Redis, log: Log, start: Position) -> None:
    at = start
    for _ in range(40):
        at = await write(log, FIRST, at, "x" * 2000)
    await end(log, FIRST, at)
    assert await redis.memory_usage(keys.log(STREAM)) < 1.3 * len(await stands(redis))


@pytest.mark.parametrize("claim", [FIRST, SECOND])
async def test_nothing_follows_the_ending(redis: Redis, log: Log, start: Position, claim: Claim) -> None:
    told, after = await end(log, FIRST, start)
    before = await redis.hgetall(keys.meta(STREAM))
    more, _ = tell(after, "more")
    assert (await log.append(claim, after.offset, more, {"outcome": "failed"}, ENDING_MS)).status is Status.ENDED
    assert (await log.append(claim, 0, told + more)).status is Status.ENDED
    assert (await log.begin(claim)).status is Status.ENDED
    assert await stands(redis) == told
    assert await redis.hgetall(keys.meta(STREAM)) == before


async def test_an_ending_that_is_repeated_is_one_ending(redis: Redis, log: Log, start: Position) -> None:
    told, after = await end(log, FIRST, start)
    before = await redis.hgetall(keys.meta(STREAM))
    again = await log.append(FIRST, 0, told, {"outcome": "completed"}, ENDING_MS)
    assert (again.status, again.length) == (Status.OK, after.offset)
    assert await stands(redis) == told
    assert await redis.hgetall(keys.meta(STREAM)) == before


async def test_whoever_takes_over_an_ended_stream_is_told_so(log: Log, start: Position) -> None:
    _, after = await end(log, FIRST, start)
    begun = await log.begin(SECOND)
    assert (begun.status, begun.position, begun.meta["outcome"]) == (Status.ENDED, after, b"completed")


# --- publishing


@pytest.fixture
async def heard(redis: Redis, start: Position) -> Any:
    """What is published, one payload at a time."""
    assert start.offset == 0
    async with redis.pubsub() as listener:
        await listener.subscribe(keys.channel(STREAM), keys.control(STREAM))
        for _ in range(2):
            assert (await next_message(listener))["type"] == "subscribe"

        async def payload() -> bytes:
            return bytes((await next_message(listener))["data"])

        yield payload


async def next_message(listener: PubSub) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            message = await listener.get_message(timeout=1)
            if message is not None:
                return dict(message)


async def test_what_is_appended_is_published_with_the_place_where_it_starts(
    log: Log, start: Position, heard: Any
) -> None:
    one, at = tell(start, "one")
    two, after = tell(at, "two\nlines", "🌊")
    await log.append(FIRST, 0, one)
    await log.append(FIRST, at.offset, two)
    assert await heard() == b"0:" + one
    assert await heard() == b"%d:" % at.offset + two
    ending, _ = await end(log, FIRST, after)
    assert await heard() == b"%d:" % after.offset + ending


async def test_a_repetition_publishes_only_what_it_brings(redis: Redis, log: Log, start: Position, heard: Any) -> None:
    one, at = tell(start, "one")
    both, after = tell(start, "one", "two")
    await log.append(FIRST, 0, one)
    assert await heard() == b"0:" + one
    await log.append(FIRST, 0, one)
    await log.append(FIRST, 0, both)
    assert await heard() == b"%d:" % at.offset + both[at.offset :]
    await lose_tail(redis, 10)
    await log.append(FIRST, 0, both)
    assert await heard() == b"10:" + both[10:]
    # What was refused, or brought nothing, is not heard: the next thing is the last append.
    await log.begin(SECOND)
    await log.append(FIRST, after.offset, both)
    await log.append(SECOND, after.offset, b"", {"attempt": 2})
    await write(log, SECOND, after, "three")
    assert await heard() == b"%d:" % after.offset + tell(after, "three")[0]


async def test_a_cancellation_is_published_and_stays_to_be_found(
    redis: Redis, log: Log, start: Position, heard: Any
) -> None:
    assert await log.cancel(STREAM) is State.RUNNING
    assert await heard() == b"cancel"
    told, after = tell(start, "one")
    assert (await log.append(FIRST, 0, told)).cancelled
    assert (await log.append(FIRST, 0, told)).cancelled
    assert (await log.begin(SECOND)).meta["cancel"] == b"1"
    await redis.hdel(keys.meta(STREAM), "cancel")
    assert not (await log.append(SECOND, after.offset, b"")).cancelled


async def test_the_answer_to_a_cancellation_is_the_state(redis: Redis, log: Log) -> None:
    assert await log.cancel(STREAM) is State.UNKNOWN
    assert await redis.keys("*") == []
    position = await accept(log, STREAM)
    assert await log.cancel(STREAM) is State.QUEUED
    await log.begin(FIRST)
    assert await log.cancel(STREAM) is State.RUNNING
    await redis.hdel(keys.meta(STREAM), "cancel")
    await end(log, FIRST, position)
    before = await redis.hgetall(keys.meta(STREAM))
    assert await log.cancel(STREAM) is State.ENDED
    assert await redis.hgetall(keys.meta(STREAM)) == before


# --- reading


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
