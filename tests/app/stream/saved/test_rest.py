"""What a cancelled stream would have been given: written once, under its fence, for as long as its log lives."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim, Log
from app.stream.saved.rest import COMES, FIELD, Rests
from tests.patience import PATIENCE

CLAIM = Claim("s", 1, "w")
LIFE_MS = 60_000
LEFT_MS = 30_000


@pytest.fixture
async def rests(redis: Redis) -> Rests:
    """Of a stream that was cancelled."""
    log = Log(redis)
    await log.open("s", {"owner": "me"})
    await log.begin(CLAIM, LIFE_MS)
    await log.append(CLAIM, 0, b"ending", {FIELD: COMES}, ending_life_ms=LIFE_MS)
    return Rests(redis)


async def test_it_is_read_as_it_comes_until_no_more_will(rests: Rests, redis: Redis) -> None:
    assert await rests.read("s", 0) == (b"", False)
    await redis.pexpire(keys.meta("s"), LEFT_MS)
    assert await rests.write(CLAIM, 0, b"one", {}, over=False)
    assert await rests.read("s", 0) == (b"one", False)
    assert await rests.write(CLAIM, 3, b"two", {"cost_usd": "1"}, over=True)
    assert await rests.read("s", 3) == (b"two", False)
    assert await rests.read("s", 6) == (b"", True)
    assert (await Log(redis).meta("s", "cost_usd") or {})["cost_usd"] == b"1"
    assert 0 < await redis.pttl(keys.rest("s")) <= LEFT_MS


async def test_what_stands_of_it_is_not_written_again(rests: Rests) -> None:
    for frames in (b"one", b"one", b"onetwo"):
        assert await rests.write(CLAIM, 0, frames, {}, over=False)
    assert await rests.read("s", 0) == (b"onetwo", False)


@pytest.mark.parametrize("claim", [Claim("s", 1, "other"), Claim("s", 2, "w")])
async def test_who_does_not_hold_the_stream_writes_nothing(rests: Rests, claim: Claim) -> None:
    assert not await rests.write(claim, 0, b"one", {"cost_usd": "1"}, over=True)
    assert await rests.read("s", 0) == (b"", False)


async def test_where_there_is_none_no_more_will_come(redis: Redis) -> None:
    assert not await Rests(redis).write(CLAIM, 0, b"one", {}, over=False)
    assert await Rests(redis).read("s", 0) == (b"", True)


async def test_it_is_known_whether_anybody_reads_along(rests: Rests, redis: Redis) -> None:
    assert not await rests.is_followed("s")
    async with redis.pubsub() as listening:
        await listening.subscribe(keys.followers("s"))
        await listening.get_message(timeout=PATIENCE)  # it is confirmed
        assert await rests.is_followed("s")
