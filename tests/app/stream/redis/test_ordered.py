"""Scripts in one trip: in their order, also where Redis has forgotten them, and with the first error raised."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.stream.redis.ordered import Prepared, in_order

APPEND = "local length = redis.call('APPEND', KEYS[1], ARGV[1]) redis.call('EXPIRE', KEYS[1], 60) return length"
FAIL = "return redis.error_reply('ERR no room')"


def saying(redis: Redis, text: str) -> Prepared:
    return Prepared(redis.register_script(APPEND), ["said"], [text])


async def test_scripts_run_in_their_order(redis: Redis) -> None:
    assert await in_order(saying(redis, "a"), saying(redis, "bc")) == [1, 3]
    assert await redis.get("said") == b"abc"


async def test_a_redis_that_has_forgotten_them_leaves_none_out(redis: Redis) -> None:
    """Or a job could be taken before there is anything to take."""
    await redis.script_flush()
    assert await in_order(saying(redis, "a"), saying(redis, "b")) == [1, 2]
    assert await redis.get("said") == b"ab"


async def test_what_was_refused_is_raised(redis: Redis) -> None:
    refused = Prepared(redis.register_script(FAIL), ["said"], [])
    with pytest.raises(ResponseError, match="no room"):
        await in_order(refused, saying(redis, "a"))
