from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream.accounts import NO_DEMAND, Account, Demand, Limit
from app.stream.errors import LimitedError
from app.stream.queue import Queue
from tests.app.stream.queue.line import LIFE_MS, everything

ONE = Demand((Account("a"), Account("a/u", concurrent_streams=2, nano_per_day=10)), 4)


async def test_a_look_says_what_a_submit_would_and_takes_nothing(redis: Redis) -> None:
    queue = Queue(redis)
    for number in range(2):
        before = await everything(redis)
        await queue.room.look(ONE)
        assert await everything(redis) == before
        await queue.submit(f"st_{number}", limit=10, life_ms=LIFE_MS, demand=ONE)
    with pytest.raises(LimitedError) as looked:
        await queue.room.look(ONE)
    with pytest.raises(LimitedError) as submitted:
        await queue.submit("st_3", limit=10, life_ms=LIFE_MS, demand=ONE)
    assert looked.value.over.limit is submitted.value.over.limit is Limit.DAY
    assert (looked.value.over.account, looked.value.over.left) == ("a/u", 2)


async def test_who_has_no_limits_has_room(redis: Redis) -> None:
    await Queue(redis).room.look(NO_DEMAND)


async def test_who_is_in_an_account_is_known_at_both_ends(redis: Redis) -> None:
    queue = Queue(redis)
    for number in range(6):
        demand = Demand((Account("a", concurrent_streams=10),))
        await queue.submit(f"st_{number}", limit=10, life_ms=LIFE_MS, demand=demand)
    assert await queue.room.promised("a", 2) == ["st_0", "st_1", "st_4", "st_5"]
    assert await queue.room.promised("nobody", 2) == []
