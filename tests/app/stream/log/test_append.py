"""What is appended stands once, at its place, and heals what was lost."""

from __future__ import annotations

from redis.asyncio import Redis

from app.stream import keys
from app.stream.frames import Position, origin
from app.stream.log import Log, Status
from tests.app.stream.log.written import FIRST, SECOND, STREAM, lose_tail, stands
from tests.app.stream.telling import LIFE_MS, tell, write
from tests.harness.servers import RealServer, Server


async def test_what_is_appended_stands_as_long_as_the_stream(
    server: Server, redis: Redis, log: Log, start: Position
) -> None:
    told, after = tell(start, "one", "two\nlines", "Grüße 🌊")
    appended = await log.append(FIRST, 0, told, {"attempt": 1})
    assert (appended.status, appended.length, appended.cancelled) == (Status.OK, after.offset, False)
    assert await stands(redis) == told
    assert await log.last_id(STREAM) == after.id
    assert await log.meta(STREAM, "attempt") == {"state": b"running", "attempt": b"1"}
    later = 0 if isinstance(server, RealServer) else 50  # each command of a script has a clock of its own on fakeredis
    assert await redis.pexpiretime(keys.log(STREAM)) <= await redis.pexpiretime(keys.meta(STREAM)) + later
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


async def test_as_many_fields_as_a_long_loop_of_tools_has_are_stored_at_once(log: Log, start: Position) -> None:
    """A log that lost its tail is given all of them with the frames."""
    fields = {f"result:{n}": b"{}" for n in range(5_000)}
    told, _ = tell(start, "one")
    assert (await log.append(FIRST, 0, told, fields)).status is Status.OK
    assert await log.meta(STREAM, "result:0", "result:4999") == {
        "state": b"running",
        "result:0": b"{}",
        "result:4999": b"{}",
    }
