"""A further call of a stream, promised by its owner's budgets before it is made."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import Account, Bill, Demand, Limit
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.reserves import Fenced, Promised, Reserves, Unpaid
from tests.app.stream.queue.line import LIFE_MS, everything, take


async def accepted(redis: Redis, **limits: Any) -> Claim:
    """A stream whose calls may cost 5 each, claimed."""
    demand = Demand((Account("a", **limits), Account("a/u", **limits)), 5)
    await Queue(redis).submit("s", limit=10, life_ms=LIFE_MS, demand=demand)
    [claim] = await take(Queue(redis))
    return claim


async def reserved(redis: Redis) -> list[int]:
    found = [await redis.hget(keys.account(name), "reserved") for name in ("a", "a/u")]  # type: ignore[misc]  # redis-py's types mix both clients
    return [int(one) for one in found]


async def test_a_call_more_is_promised_beside_what_was_spent(redis: Redis) -> None:
    claim = await accepted(redis, nano_per_day=12)
    assert isinstance(await Reserves(redis).reserve(claim, 7), Promised)
    assert await reserved(redis) == [12, 12]
    assert isinstance(await Reserves(redis).reserve(claim, 7), Promised)  # the reply was lost
    assert await reserved(redis) == [12, 12]
    assert 0 < await redis.pttl(keys.reserved("s")) <= LIFE_MS
    assert await Queue(redis).done(claim, bill=Bill(nano=9))
    assert await reserved(redis) == [0, 0]
    assert await redis.exists(keys.reserved("s"), keys.account("a") + ":open") == 0


async def test_a_call_without_a_known_price_is_promised_anew_beside_the_next(redis: Redis) -> None:
    claim = await accepted(redis, nano_per_day=12)
    assert isinstance(await Reserves(redis).reserve(claim, 1, 1), Promised)
    assert await reserved(redis) == [11, 11]
    assert isinstance(await Reserves(redis).reserve(claim, 1, 2), Unpaid)


async def test_it_is_promised_also_where_there_is_no_room_for_anything_new(redis: Redis) -> None:
    """Who waited for room here would wait with all that makes it: its own ending."""
    claim = await accepted(redis, nano_per_day=12)
    await redis.config_set("maxmemory", "1")
    try:
        assert isinstance(await Reserves(redis).reserve(claim, 7), Promised)
        assert isinstance(await Reserves(redis).reserve(claim, 8), Unpaid)
    finally:
        await redis.config_set("maxmemory", "0")
    assert await reserved(redis) == [12, 12]


async def test_calls_that_cost_nothing_need_no_more_than_the_first_promise(redis: Redis) -> None:
    claim = await accepted(redis, nano_per_day=5)
    before = await everything(redis)
    assert isinstance(await Reserves(redis).reserve(claim, 0), Promised)
    assert await everything(redis) == before


@pytest.mark.parametrize(
    ("limits", "limit"), [({"nano_per_day": 12}, Limit.DAY), ({"nano_per_month": 12}, Limit.MONTH)]
)
async def test_a_budget_without_room_says_what_it_has(redis: Redis, limits: dict[str, int], limit: Limit) -> None:
    claim = await accepted(redis, **limits)
    before = await everything(redis)
    unpaid = await Reserves(redis).reserve(claim, 8)
    assert isinstance(unpaid, Unpaid)
    assert (unpaid.limit, unpaid.left) == (limit, 7)
    assert await everything(redis) == before


async def test_who_lost_the_stream_promises_nothing(redis: Redis) -> None:
    claim = await accepted(redis, nano_per_day=100)
    await Queue(redis).give_back([claim])
    assert isinstance(await Reserves(redis).reserve(claim, 8), Fenced)
    assert await reserved(redis) == [5, 5]


async def test_without_a_budget_there_is_nothing_to_promise(redis: Redis) -> None:
    assert isinstance(await Reserves(redis).reserve(await accepted(redis), 10**12), Promised)
    assert await redis.keys("ks:{queue}:account:*") == []
