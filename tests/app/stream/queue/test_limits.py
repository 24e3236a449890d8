"""What an owner's limits let into the line: exact buckets, streams at a time, budgets; and what they tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import LOST, NANO_MAX, Account, Bill, Demand, Limit, Over, Rate, Standing
from app.stream.errors import IdempotencyConflictError, LimitedError, QueueFullError
from app.stream.queue import Idempotency, Queue, Submitted
from tests.app.stream.queue.line import LIFE_MS, everything, in_line, take

MINUTE = 60_000_000
DAY = 86_400_000_000


def of(reserve: int = 0, **limits: Any) -> Demand:
    return Demand((Account("a", **limits),), reserve)


async def submit(queue: Queue, stream_id: str, demand: Demand, **asked: Any) -> Submitted:
    return await queue.submit(stream_id, **{"limit": 100, "life_ms": LIFE_MS, "demand": demand, **asked})


async def refused(queue: Queue, demand: Demand, stream_id: str = "refused") -> Over:
    with pytest.raises(LimitedError) as error:
        await submit(queue, stream_id, demand)
    return error.value.over


async def later(redis: Redis, microseconds: int, field: str = "requests_at", name: str = "a") -> None:
    """So much later: what an account remembers is so much longer ago."""
    await redis.hincrby(keys.account(name), field, -microseconds)  # type: ignore[misc]  # redis-py's types mix both clients


async def account(redis: Redis, name: str = "a") -> dict[str, int]:
    found = await redis.hgetall(keys.account(name))  # type: ignore[misc]  # likewise
    return {field.decode(): int(value) for field, value in found.items()}


async def test_as_many_as_a_burst_come_at_once_and_then_one_in_each_share_of_a_minute(
    redis: Redis, queue: Queue
) -> None:
    rate = of(requests_per_minute=6, burst=3)
    left = [(await submit(queue, name, rate)).standing.requests for name in "abc"]
    assert [(one.limit, one.remaining) for one in left if one] == [(6, 2), (6, 1), (6, 0)]
    over = await refused(queue, rate)
    assert (over.limit, over.account, over.most) == (Limit.REQUESTS, "a", 6)
    assert 9_000 < over.wait_ms <= 10_000
    await later(redis, MINUTE // 6)
    assert (await submit(queue, "d", rate)).standing.requests is not None
    assert (await refused(queue, rate)).limit is Limit.REQUESTS


async def test_a_refused_submit_takes_and_writes_nothing(redis: Redis, queue: Queue) -> None:
    rate = of(requests_per_minute=1, burst=1)
    await submit(queue, "a", rate)
    before = await everything(redis)
    for _ in range(3):
        over = await refused(queue, rate)
    assert 59_000 < over.wait_ms <= 60_000
    assert await everything(redis) == before


async def test_what_is_told_of_a_bucket_is_when_it_is_full_again(redis: Redis, queue: Queue) -> None:
    standing = (await submit(queue, "a", of(requests_per_minute=60, burst=10))).standing
    seconds, micro = await redis.time()
    assert standing.requests is not None
    assert 0 < standing.requests.reset_ms - (seconds * 1000 + micro / 1000) <= 1001
    assert standing.output_tokens is None


async def test_who_asks_again_is_not_counted_twice_nor_is_an_idempotent_repeat(redis: Redis, queue: Queue) -> None:
    rate, key = of(requests_per_minute=60, burst=2), Idempotency("a", "k", "digest")
    await submit(queue, "a", rate, idempotency=key)
    before = await everything(redis)
    assert not (await submit(queue, "a", rate, idempotency=key)).repeated
    again = await submit(queue, "b", rate, idempotency=key)
    assert (again.repeated, again.stream_id) == (True, "a")
    assert again.standing.requests is not None
    assert again.standing.requests.remaining == 1
    with pytest.raises(IdempotencyConflictError):
        await submit(queue, "c", rate, idempotency=Idempotency("a", "k", "another"))
    assert await everything(redis) == before


async def test_who_asks_again_after_the_ending_is_not_counted_either(redis: Redis, queue: Queue) -> None:
    money = of(5, nano_per_day=10)
    await submit(queue, "a", money)
    [claim] = await take(queue)
    await queue.done(claim, bill=Bill(nano=4))
    await submit(queue, "a", money)
    assert await account(redis) | {"day": 0, "month": 0} == {
        "reserved": 0,
        "spent_day": 4,
        "spent_month": 4,
        "day": 0,
        "month": 0,
    }


async def test_as_many_streams_as_may_wait_and_run(redis: Redis, queue: Queue) -> None:
    two = of(concurrent_streams=2)
    await submit(queue, "a", two)
    await submit(queue, "b", two)
    [claim] = await take(queue)
    over = await refused(queue, two)
    assert (over.limit, over.most, over.wait_ms) == (Limit.STREAMS, 2, 0)
    await queue.give_back([claim])
    assert (await refused(queue, two)).limit is Limit.STREAMS
    [claim] = await take(queue, "two")
    await queue.done(claim)
    await submit(queue, "c", two)
    assert await in_line(redis) == ["b", "c"]


async def test_what_was_said_is_counted_at_the_end_and_the_next_one_waits(redis: Redis, queue: Queue) -> None:
    tokens = of(output_tokens_per_minute=600)
    assert (await submit(queue, "a", tokens)).standing.output_tokens == Rate(600, 600, pytest.approx(0, abs=2**53))
    await submit(queue, "b", tokens)
    for number in (1, 2):
        [claim] = await take(queue, number=number)
        await queue.done(claim, bill=Bill(output_tokens=500))
    over = await refused(queue, tokens)
    assert (over.limit, over.most) == (Limit.OUTPUT, 600)
    assert 39_000 < over.wait_ms <= 40_001
    assert over.standing.output_tokens is not None
    assert over.standing.output_tokens.remaining == 0
    await later(redis, 40_100_000, "output_at")
    await submit(queue, "c", tokens)


async def test_of_several_rates_the_longest_wait_is_told(queue: Queue) -> None:
    both = of(requests_per_minute=60, burst=1, output_tokens_per_minute=60)
    await submit(queue, "a", both)
    [claim] = await take(queue)
    await queue.done(claim, bill=Bill(output_tokens=90))
    over = await refused(queue, both)
    assert (over.limit, 29_000 < over.wait_ms <= 30_001) == (Limit.OUTPUT, True)


async def test_a_budget_is_of_a_utc_day_and_of_a_month(redis: Redis, queue: Queue) -> None:
    money = of(6, nano_per_day=10, nano_per_month=15)
    await submit(queue, "a", money)
    over = await refused(queue, money)
    assert (over.limit, over.most, over.left) == (Limit.DAY, 10, 4)
    [claim] = await take(queue)
    await queue.done(claim, bill=Bill(nano=6))
    assert (await refused(queue, money)).limit is Limit.DAY
    now = datetime.fromtimestamp(over.now_ms / 1000, UTC)
    today, months = (await account(redis))["day"], (await account(redis))["month"]
    assert today == (now - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert months == now.year * 12 + now.month - 3  # a year begins in March
    await redis.hset(keys.account("a"), "day", today - 1)  # type: ignore[misc]  # likewise
    await submit(queue, "b", money)
    [claim] = await take(queue, "two")
    await queue.done(claim, bill=Bill(nano=6))
    await redis.hset(keys.account("a"), "day", today - 1)  # type: ignore[misc]  # likewise
    over = await refused(queue, money)
    assert (over.limit, over.left) == (Limit.MONTH, 3)
    await redis.hset(keys.account("a"), "month", months - 1)  # type: ignore[misc]  # likewise
    await submit(queue, "c", money)


async def test_a_clock_that_is_set_back_over_midnight_begins_no_day_anew(redis: Redis, queue: Queue) -> None:
    money = of(6, nano_per_day=10)
    await submit(queue, "a", money)
    [claim] = await take(queue)
    await queue.done(claim, bill=Bill(nano=6))
    await redis.hincrby(keys.account("a"), "day", 1)  # type: ignore[misc]  # likewise
    assert (await refused(queue, money)).limit is Limit.DAY


async def test_what_costs_nothing_may_run_until_a_budget_is_passed(queue: Queue) -> None:
    await submit(queue, "a", of(10, nano_per_day=10))
    await submit(queue, "b", of(0, nano_per_day=10))
    assert (await refused(queue, of(1, nano_per_day=10))).left == 0


async def test_a_call_without_a_price_costs_what_is_promised_to_one(redis: Redis, queue: Queue) -> None:
    """A model that stepped in, of which nobody knows the price."""
    for number, (bill, spent) in enumerate(
        ((Bill(2, unpriced=1), 8), (Bill(unpriced=2), 20), (LOST, 26), (Bill(2), 28)), 1
    ):
        await submit(queue, f"s{number}", of(6, nano_per_day=100))
        [claim] = await take(queue, number=number)
        await queue.done(claim, bill=bill)
        assert ((await account(redis))["spent_day"], (await account(redis))["reserved"]) == (spent, 0)


async def test_what_costs_more_than_can_be_counted_is_settled_all_the_same(redis: Redis, queue: Queue) -> None:
    """A price of somebody's file, times tokens that the upstream made up."""
    await submit(queue, "a", of(output_tokens_per_minute=1))
    await submit(queue, "b", of(output_tokens_per_minute=1))
    for claim in await take(queue, slots=2):
        assert await queue.done(claim, bill=Bill(10**20, owner="a", output_tokens=10**20))
        assert (await account(redis))["spent_day"] == NANO_MAX
    over = await refused(queue, of(1, nano_per_day=NANO_MAX))
    assert (over.limit, over.left) == (Limit.DAY, 0)
    over = await refused(queue, of(output_tokens_per_minute=1))
    assert over.standing.output_tokens is not None
    assert datetime.fromtimestamp(over.standing.output_tokens.reset_ms / 1000, UTC).year < 2300


async def test_what_never_ends_is_released_with_its_life(redis: Redis, queue: Queue) -> None:
    money = of(6, nano_per_day=10, concurrent_streams=1)
    await submit(queue, "a", money)
    await redis.zadd(keys.account("a") + ":open", {"a|6": 1}, xx=True)
    await submit(queue, "b", money)
    assert (await account(redis))["reserved"] == 6
    claims = await take(queue, slots=2)
    for claim in claims:
        await queue.done(claim, bill=Bill(nano=1))
    assert (await account(redis))["reserved"] == 0
    assert (await account(redis))["spent_day"] == 2  # what it cost all the same


async def test_a_user_counts_for_the_tenant_too_and_on_neither_if_one_is_full(redis: Redis, queue: Queue) -> None:
    tenant, user = Account("a", concurrent_streams=3, nano_per_day=10), Account("a/u", nano_per_day=5)
    await submit(queue, "a", Demand((tenant, user), 5))
    over = await refused(queue, Demand((tenant, user), 1))
    assert (over.account, over.limit, over.most) == ("a/u", Limit.DAY, 5)
    assert [(await account(redis, name))["reserved"] for name in ("a", "a/u")] == [5, 5]
    await submit(queue, "b", Demand((tenant,), 5))
    over = await refused(queue, Demand((tenant, Account("a/w", nano_per_day=5)), 1))
    assert over.account == "a"
    [one, two] = await take(queue, slots=2)
    await queue.done(one, bill=Bill(nano=3))
    await queue.done(two)
    assert [(await account(redis, name))["spent_day"] for name in ("a", "a/u")] == [3, 3]


async def test_of_two_buckets_the_emptier_one_is_told(queue: Queue) -> None:
    tenant = Account("a", requests_per_minute=600, burst=100)
    user = Account("a/u", requests_per_minute=6, burst=2)
    standing = (await submit(queue, "a", Demand((tenant, user)))).standing
    assert standing.requests is not None
    assert (standing.requests.limit, standing.requests.remaining) == (6, 1)


async def test_who_has_no_limits_leaves_no_trace(redis: Redis, queue: Queue) -> None:
    assert (await submit(queue, "a", of(5))).standing == Standing()
    assert await redis.keys("ks:{queue}:account:*") == await redis.keys(keys.reserved("*")) == []


async def test_a_queue_that_is_full_takes_nothing_of_the_limits(redis: Redis, queue: Queue) -> None:
    with pytest.raises(QueueFullError):
        await submit(queue, "a", of(requests_per_minute=1, burst=1), limit=0)
    assert await redis.keys("ks:{queue}:account:*") == []
