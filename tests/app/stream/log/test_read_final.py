"""An answer that is shown whole or not at all: what its readers find in a log, and who finds it as it stands."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.endings import WHOLE, Outcome, end_data
from app.stream.frames import Position, encode_json, origin
from app.stream.log import Log, Read, Sealed, State, Status
from tests.app.stream.log.written import ENDING_MS, FIRST, STREAM, stands
from tests.app.stream.telling import OWNER, write

BEGINNING = origin(STREAM)


@pytest.fixture
async def final(redis: Redis, start: Position) -> Position:
    """Where the log begins of a stream whose readers are shown it whole."""
    await redis.hset(keys.meta(STREAM), "delivery", "final")  # type: ignore[misc]
    return start


async def end(log: Log, position: Position, outcome: Outcome, said: str = "") -> tuple[bytes, Position]:
    error = {"type": "api_error", "message": said} if said else None
    raw, after = encode_json("relay.end", end_data(outcome, attempts=1, error=error), position)
    ended = await log.append(FIRST, position.offset, raw, {"outcome": outcome.value}, ENDING_MS)
    assert ended.status is Status.OK
    return raw, after


async def restart(log: Log, position: Position) -> Position:
    raw, after = encode_json("relay.reset", {"attempt": 2, "reason": "worker_lost"}, position)
    appended = await log.append(FIRST, position.offset, raw, {"base": after.offset, "attempt": 2})
    assert appended.status is Status.OK
    return after


def shows_nothing(read: Read) -> bool:
    return (read.data, read.length, read.base, read.complete) == (b"", 0, 0, False)


async def test_nothing_is_shown_before_it_has_ended(redis: Redis, log: Log, final: Position) -> None:
    for place in (None, final):
        read = await log.read(STREAM, place)
        assert (read.proven, read.start, read.state, read.owner) == (True, BEGINNING, State.RUNNING, OWNER)
        assert shows_nothing(read)
    first = await write(log, FIRST, final, "a secret")
    for place in (None, final):
        read = await log.read(STREAM, place)
        assert (read.proven, read.start) == (True, BEGINNING)
        assert shows_nothing(read)
        assert read.sealed is not None
        assert (read.sealed.length, read.sealed.base) == (first.offset, 0)
        assert 0 <= read.sealed.ran_ms < ENDING_MS
    assert (await log.peek(STREAM, None)).data == await stands(redis)


async def test_one_that_never_ran_says_so(redis: Redis, log: Log, final: Position) -> None:
    await redis.hdel(keys.meta(STREAM), "started_at")  # type: ignore[misc]
    assert (await log.read(STREAM, final)).sealed == Sealed(0, 0, -1)


async def test_a_place_that_stands_is_kept_and_shows_nothing(log: Log, final: Position) -> None:
    """Who had it from a log that had ended, before Redis lost that, waits there."""
    first = await write(log, FIRST, final, "one")
    await write(log, FIRST, first, "two")
    for skip in (0, 5):
        read = await log.read(STREAM, first, skip=skip)
        assert (read.proven, read.start) == (True, first)
        assert shows_nothing(read)
    for wrong in (Position(first.offset, first.crc ^ 1), Position(first.offset + 1, first.crc), origin("st_other")):
        read = await log.read(STREAM, wrong)
        assert (read.proven, read.start) == (False, BEGINNING)
        assert shows_nothing(read)


@pytest.mark.parametrize("outcome", sorted(WHOLE))
async def test_what_is_whole_is_shown_from_its_newest_attempt_on(
    redis: Redis, log: Log, final: Position, outcome: Outcome
) -> None:
    void = await write(log, FIRST, final, "a first try")
    begun = await restart(log, void)
    shown = await write(log, FIRST, begun, "the answer")
    _, after = await end(log, shown, outcome)
    whole = await stands(redis)
    for place in (None, final):
        read = await log.read(STREAM, place)
        assert (read.proven, read.start, read.data) == (True, begun, whole[begun.offset :])
        assert (read.complete, read.sealed, read.attempt) == (True, None, 2)
    assert (await log.read(STREAM, shown)).data == whole[shown.offset :]
    assert (await log.read(STREAM, after)).data == b""
    read = await log.read(STREAM, void)
    assert (read.proven, read.start, read.data) == (False, begun, whole[begun.offset :])
    assert (await log.peek(STREAM, void)).data == whole[void.offset :]


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - WHOLE))
@pytest.mark.parametrize("said", ["broken off", "event: relay.end\n\n" * 300])
async def test_of_what_is_not_whole_the_ending_is_shown_alone(
    redis: Redis, log: Log, final: Position, outcome: Outcome, said: str
) -> None:
    stood = await write(log, FIRST, final, "a secret")
    first = await write(log, FIRST, stood, "event: relay.end")
    ending, after = await end(log, first, outcome, said)
    for place in (None, final):
        read = await log.read(STREAM, place)
        assert (read.proven, read.start, read.data, read.complete) == (True, first, ending, True)
    part = await log.read(STREAM, final, 10)
    assert (part.start, part.data) == (first, ending[:10])
    assert (await log.read(STREAM, first)).data == ending
    assert (await log.read(STREAM, after)).data == b""
    for place in (stood, Position(stood.offset, 7), Position(0, 7)):
        read = await log.read(STREAM, place)
        assert (read.proven, read.start, read.data) == (False, first, ending)
    assert (await log.peek(STREAM, None)).data == await stands(redis)


async def test_an_ending_alone_is_all_of_it(log: Log, final: Position) -> None:
    ending, _ = await end(log, final, Outcome.CANCELLED)
    assert (await log.read(STREAM, None)).data == (await log.read(STREAM, final)).data == ending


async def test_a_log_that_has_lost_its_ending_shows_nothing(redis: Redis, log: Log, final: Position) -> None:
    first = await write(log, FIRST, final, "a secret")
    await end(log, first, Outcome.FAILED)
    await redis.set(keys.log(STREAM), (await stands(redis))[: first.offset], keepttl=True)
    read = await log.read(STREAM, None)
    assert (read.start, read.data) == (first, b"")


async def test_what_comes_progressively_is_as_it_stands_for_everybody(redis: Redis, log: Log, start: Position) -> None:
    first = await write(log, FIRST, start, "one")
    await end(log, first, Outcome.FAILED)
    for read in (await log.read(STREAM, None), await log.peek(STREAM, start)):
        assert (read.start, read.data, read.sealed) == (start, await stands(redis), None)
