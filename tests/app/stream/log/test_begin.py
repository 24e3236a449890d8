"""A stream is opened, confirmed, and begun by its newest holder alone (G4)."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.frames import Position
from app.stream.log import Claim, Log, Status
from tests.app.stream.log.written import ANSWER_SECONDS, ENDING_MS, FIRST, SECOND, STREAM, stands
from tests.app.stream.telling import LIFE_MS, OWNER, accept, tell, write


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


async def test_the_first_attempt_is_counted_once_for_who_begins(log: Log) -> None:
    await accept(log, STREAM)
    assert (await log.begin(FIRST, count=True)).counted
    again = await log.begin(FIRST, count=True)  # its reply was lost
    assert (again.counted, again.meta["attempt"]) == (True, b"1")
    assert not (await log.begin(FIRST)).counted
    taken_over = await log.begin(SECOND, count=True)
    assert (taken_over.counted, taken_over.meta["attempt"]) == (False, b"1")


async def test_who_does_not_know_its_version_leaves_it_as_it_is(redis: Redis, log: Log) -> None:
    await accept(log, STREAM)
    await redis.hset(keys.meta(STREAM), "version", "2")  # type: ignore[misc]  # redis-py's types mix both clients
    before = await redis.hgetall(keys.meta(STREAM))  # type: ignore[misc]  # as above
    begun = await log.begin(FIRST, count=True, told="0 x x {}", version=1)
    assert (begun.status, begun.meta) == (Status.NEWER, {"version": b"2"})
    assert await redis.hgetall(keys.meta(STREAM)) == before  # type: ignore[misc]  # as above
    assert (await log.begin(FIRST, version=2)).status is Status.OK


async def test_who_ends_it_begins_whatever_version_it_is_of(redis: Redis, log: Log) -> None:
    await accept(log, STREAM)
    await redis.hset(keys.meta(STREAM), "version", "2")  # type: ignore[misc]  # as above
    assert (await log.begin(FIRST)).status is Status.OK


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
