"""There is one ending, and nothing behind it (G4)."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.frames import Position
from app.stream.log import Claim, Log, Status
from tests.app.stream.log.written import ANSWER_SECONDS, ENDING_MS, FIRST, SECOND, STREAM, end, stands
from tests.app.stream.telling import OWNER, tell, write


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


@pytest.mark.lacks("memory")
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
