"""KEDA starts the first ones at once, and ends the last ones late."""

from __future__ import annotations

from redis.asyncio import Redis

from tests.bench.scaling.keda import Keda, count
from tests.bench.scaling.rule import Rule
from tests.bench.scaling.test_autoscaler import RULE


def test_the_first_prompt_starts_as_many_as_there_are_at_the_least() -> None:
    assert Keda(RULE).poll(0, asked=0, value=1) == 2


def test_more_than_that_is_the_autoscalers() -> None:
    assert Keda(RULE).poll(0, asked=5, value=1) == 5


def test_none_is_there_when_nothing_was_asked_for_long_enough() -> None:
    keda = Keda(RULE)
    keda.poll(0, asked=4, value=1)
    assert keda.poll(360, asked=4, value=0) == 4
    assert keda.poll(362, asked=4, value=0) == 0


def test_each_prompt_begins_that_time_anew() -> None:
    keda = Keda(RULE)
    keda.poll(0, asked=2, value=1)
    keda.poll(300, asked=2, value=1)
    assert keda.poll(400, asked=2, value=0) == 2


def test_a_redis_that_says_nothing_changes_nothing() -> None:
    keda = Keda(RULE)
    keda.poll(0, asked=3, value=1)
    assert keda.poll(3600, asked=3, value=None) == 3
    assert Keda(RULE).poll(0, asked=0, value=None) == 0


async def test_it_counts_members_of_each_kind_of_key_and_none_where_there_is_no_key(redis: Redis) -> None:
    assert await count(redis, RULE) == 0
    await redis.zadd("w", {"a": 1, "b": 2})
    await redis.rpush("r", "c")
    await redis.expire("w", 60)
    await redis.expire("r", 60)
    rule = Rule({"waiting": "w", "running": "r"}, 40, 0, 0, 2, 4, 2, 360, RULE.up, RULE.down)
    assert await count(redis, rule) == 3
