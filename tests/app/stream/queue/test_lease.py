"""A lease lasts while it is renewed, and puts its stream back when it does not."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from app.stream import keys
from app.stream.accounts import Account, Bill, Demand
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.reserves import Promised, Reserves
from tests.app.stream.queue.line import LEASE_MS, LIFE_MS, everything, in_line, leased, let_expire, submit, take


async def test_an_expired_lease_puts_its_stream_back_where_it_stood(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c")
    old = await take(queue, slots=2)
    await let_expire(redis, "b", "a")
    new = await take(queue, "two", slots=2)
    assert [claim.stream_id for claim in new] == ["a", "b"]
    assert min(claim.fence for claim in new) > max(claim.fence for claim in old)
    assert await in_line(redis) == ["c"]


async def test_a_lease_that_lasts_is_left_alone(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    await take(queue, slots=2)
    await let_expire(redis, "b")
    assert [claim.stream_id for claim in await take(queue, "two", slots=2)] == ["b"]


@pytest.mark.parametrize("asked", [{"slots": 0}, {"slots": 1, "stream_id": "never"}])
async def test_an_expired_lease_returns_with_any_claim(redis: Redis, queue: Queue, asked: dict[str, Any]) -> None:
    await submit(queue, "a")
    await take(queue)
    await let_expire(redis, "a")
    assert await queue.claim("two", 1, lease_ms=LEASE_MS, **asked) == []
    assert await in_line(redis) == ["a"]
    assert await queue.position("a") == 1
    assert await leased(redis) == set()


async def test_an_expired_lease_returns_also_when_somebody_only_looks_who_waits(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    await take(queue)
    await let_expire(redis, "a")
    assert await queue.overdue(LIFE_MS, 10) == []
    assert (await in_line(redis), await leased(redis)) == (["a"], set())


async def test_a_lease_is_renewed_also_where_there_is_no_room_for_anything_new(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    claims = await take(queue)
    await let_expire(redis, "a")
    await redis.config_set("maxmemory", "1")
    try:
        assert await queue.renew("one", claims, LEASE_MS) == set()
        assert await take(queue, "two") == []
    finally:
        await redis.config_set("maxmemory", "0")


@pytest.mark.lacks("maxmemory")
async def test_all_that_ends_or_gives_back_needs_no_room(redis: Redis, queue: Queue) -> None:
    """And who may come in needs it, and leaves nothing behind."""
    money = Demand((Account("a", nano_per_day=100),), 5)
    for name in "abcd":
        await queue.submit(name, limit=9, life_ms=LIFE_MS, demand=money)
    [first] = await take(queue)
    before = await everything(redis)
    await redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(OutOfMemoryError):
            await queue.submit("new", limit=9, life_ms=LIFE_MS, demand=money)
        assert await everything(redis) == before
        assert await queue.done(first, {"id": "a"}, Bill(9, owner="a", calls=1))
        [second, third, fourth] = await take(queue, number=2, slots=3)
        assert isinstance(await Reserves(redis).reserve(second, 7), Promised)
        assert await queue.park(second, "m", LIFE_MS)
        await queue.hurry("b")
        assert await queue.position("b") == 1
        assert await queue.give_back([third]) == 1
        assert await queue.overdue(0, 10)
        for claim in [fourth, *await take(queue, "two", slots=3)]:
            assert await queue.done(claim, bill=Bill(1, owner="a"))
    finally:
        await redis.config_set("maxmemory", "0")
    assert await redis.hmget(keys.account("a"), "reserved", "spent_day") == [b"0", b"12"]  # type: ignore[misc]  # redis-py's types mix both clients


async def test_a_renewal_makes_the_lease_last(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    claims = await take(queue, slots=2)
    before = await redis.zscore(keys.LEASES, "a")
    assert await queue.renew("one", claims, 2 * LEASE_MS) == set()
    assert await redis.zscore(keys.LEASES, "a") > before + LEASE_MS / 2
    assert await leased(redis) == {"a", "b"}


async def test_an_expired_lease_that_nobody_took_is_taken_back(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    claims = await take(queue)
    await let_expire(redis, "a")
    assert await queue.renew("one", claims, LEASE_MS) == set()
    assert await take(queue, "two") == []
    await let_expire(redis, "a")
    await queue.overdue(LIFE_MS, 10)
    assert await in_line(redis) == ["a"]
    assert await queue.renew("one", claims, LEASE_MS) == set()
    assert (await in_line(redis), await leased(redis)) == ([], {"a"})


async def test_a_lease_that_somebody_took_is_refused_and_theirs_stays(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    old = await take(queue, slots=2)
    await let_expire(redis, "a")
    [new] = await take(queue, "two")
    before = await redis.zscore(keys.LEASES, "a")
    assert await queue.renew("one", old, 2 * LEASE_MS) == {"a"}
    assert await redis.zscore(keys.LEASES, "a") == before
    assert await queue.renew("two", [new], LEASE_MS) == set()


async def test_what_is_done_given_back_or_never_was_cannot_be_renewed(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    a, b = await take(queue, slots=2)
    await queue.done(a)
    await queue.give_back([b])
    assert await queue.renew("one", [a, b, Claim("never", 1, "one/1")], LEASE_MS) == {"a", "b", "never"}
    assert (await in_line(redis), await leased(redis)) == (["b"], set())


async def test_a_worker_is_listed_while_it_renews_and_forgotten_after(redis: Redis, queue: Queue) -> None:
    await queue.renew("one", [], LEASE_MS)
    await queue.renew("two", [], LEASE_MS)
    assert await redis.zrange(keys.WORKERS, 0, -1) == [b"one", b"two"]
    await redis.zadd(keys.WORKERS, {"one": 1})
    await queue.renew("two", [], LEASE_MS)
    assert await redis.zrange(keys.WORKERS, 0, -1) == [b"two"]
    await queue.forget_worker("two")
    assert await redis.zrange(keys.WORKERS, 0, -1) == []
