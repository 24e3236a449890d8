"""What scripts write of a stream's story: in its order, once, bounded, and no longer than the stream."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.stream import keys
from app.stream.frames import Position
from app.stream.log import Claim, Log, Status
from app.stream.scripts import source
from app.stream.scripts.appending import append_arguments
from app.stream.timeline.entries import told
from app.stream.timeline.kept import FIELDS, Kept, add_crowd, kept_of
from app.stream.timeline.noting import Crowd, Note
from tests.app.stream.telling import accept, tell

STREAM = "st_story"
FIRST, SECOND = Claim(STREAM, 7, "one/1"), Claim(STREAM, 9, "two/1")
MOST, KEPT_FIRST, READERS = 157, 50, 20


def notes(*events: str, age: float = 0.0, begin: int = 1) -> str:
    now = time.monotonic()
    return told([Note(now - age, f"p.{n}", event, '{"n":1}') for n, event in enumerate(events, begin)], now)


async def append(redis: Redis, claim: Claim, at: int, data: bytes, lines: str, **fields: str) -> Status:
    names, args = append_arguments(claim, at, data, fields, told=lines)
    script = redis.register_script(source("log/story", "log/append"))
    return Status((await script(keys=list(names), args=list(args)))[0].decode())


async def of(log: Log) -> Kept:
    meta = await log.meta(STREAM, *FIELDS)
    assert meta is not None
    return kept_of(meta)


@pytest.fixture
def log(redis: Redis) -> Log:
    return Log(redis)


@pytest.fixture
async def start(log: Log) -> Position:
    return await accept(log, STREAM)


async def test_what_is_told_goes_along_with_begin_append_and_cancel(redis: Redis, log: Log, start: Position) -> None:
    await log.begin(FIRST, told=notes("stream.claimed"))
    data, _ = tell(start, "one")
    assert await append(redis, FIRST, 0, data, notes("call.started", "call.ended", begin=2), content="1") is Status.OK
    await log.cancel(STREAM, notes("stream.cancel_asked", begin=4))
    await log.cancel(STREAM, notes("stream.cancel_asked", begin=5))
    kept = await of(log)
    assert [one.event for one in kept.entries] == [
        *("stream.claimed", "call.started", "call.ended", "stream.cancel_asked")
    ]
    assert (kept.entries[0].fields, kept.left_out, kept.meta["content"]) == ({"n": 1}, 0, b"1")


async def test_an_entry_is_as_old_as_what_it_tells(redis: Redis, log: Log, start: Position) -> None:
    data, _ = tell(start, "one")
    await append(redis, FIRST, 0, data, notes("old", age=60) + notes("new", begin=2))
    old, new = (await of(log)).entries
    assert new.at - old.at == pytest.approx(60_000, abs=50)


@pytest.mark.usefixtures("start")
async def test_what_is_sent_again_stands_once(redis: Redis, log: Log) -> None:
    """Also where there are no frames to be known by."""
    for _ in range(2):
        await log.begin(FIRST, told=notes("stream.claimed"))
        await append(redis, FIRST, 0, b"", notes("call.started", begin=2), attempt="1")
    assert [one.event for one in (await of(log)).entries] == ["stream.claimed", "call.started"]


async def test_who_was_fenced_tells_nothing(redis: Redis, log: Log, start: Position) -> None:
    await log.begin(FIRST, told=notes("first"))
    await log.begin(SECOND, told=notes("second", begin=2))
    data, _ = tell(start, "one")
    assert await append(redis, FIRST, 0, data, notes("late", begin=3)) is Status.FENCED
    assert (await log.begin(FIRST, told=notes("late", begin=4))).status is Status.FENCED
    assert [one.event for one in (await of(log)).entries] == ["first", "second"]


async def test_nothing_is_told_of_a_stream_that_is_lost(redis: Redis, log: Log) -> None:
    data, _ = tell(Position(0, 0), "one")
    assert await append(redis, FIRST, 0, data, notes("late")) is Status.GONE
    await log.begin(FIRST, told=notes("late"))
    await log.cancel(STREAM, notes("late"))
    async with redis.pipeline(transaction=False) as pipe:
        add_crowd(pipe, Crowd(STREAM, 0.0, 0.0, (("came", 1),)), 0.0)
        assert await pipe.execute() == [0]
    assert await redis.keys("*") == []


# Each example begins with another stream of the same name.
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.lists(st.integers(1, 80), min_size=1, max_size=8))
async def test_the_first_ones_stay_and_the_newest(redis: Redis, counts: list[int]) -> None:
    log = Log(redis)
    await redis.delete(keys.meta(STREAM), keys.log(STREAM))
    await accept(log, STREAM)
    written: list[str] = []
    for count in counts:
        fresh = [f"e{n}" for n in range(len(written), len(written) + count)]
        await append(redis, FIRST, 0, b"", notes(*fresh, begin=len(written)), attempt="1")
        written += fresh
    kept = await of(log)
    found = [one.event for one in kept.entries]
    assert len(found) == min(len(written), MOST)
    assert kept.left_out == len(written) - len(found)
    assert found == (written if not kept.left_out else written[:KEPT_FIRST] + written[-(MOST - KEPT_FIRST) :])


@pytest.mark.usefixtures("start")
async def test_readers_are_counted_together_from_a_number_on(redis: Redis, log: Log) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        for _ in range(50):
            add_crowd(pipe, Crowd(STREAM, 0.0, 1.0, (("came", 2), ("left", 1))), 1.5)
        add_crowd(pipe, Crowd(STREAM, 0.0, 1.0, (("resumed", 1),)), 1.0)
        assert set(await pipe.execute()) == {1}
    readers = (await of(log)).readers
    assert len(readers) == READERS
    assert [one.until - one.since for one in readers[:-1]] == [1000] * (READERS - 1)
    assert readers[0].counts == {"came": 2, "left": 1}
    assert sum(one.counts["came"] for one in readers) == 100
    assert readers[-1].counts["resumed"] == 1


async def test_it_ends_with_the_stream(redis: Redis, log: Log, start: Position) -> None:
    """It is a field of the meta: there is no key more."""
    await log.begin(FIRST, told=notes("stream.claimed"))
    data, _ = tell(start, "one")
    await append(redis, FIRST, 0, data, notes("call.started", begin=2))
    assert set(await redis.keys("*")) == {keys.log(STREAM).encode(), keys.meta(STREAM).encode()}


@pytest.mark.usefixtures("start")
async def test_how_many_waited_is_kept_once(log: Log) -> None:
    await log.keep(STREAM, 1000, "a", 3)
    await log.keep(STREAM, 1000, "b", 5)
    assert (await of(log)).meta["waiting"] == b"3"
