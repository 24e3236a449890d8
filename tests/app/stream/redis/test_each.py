"""A question about each of many: who is not reached keeps nobody else waiting."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream.redis.each import of_each
from app.stream.redis.refusals import NO_ANSWER
from tests.app.stream.redis.cluster.scripted import scripted


async def test_a_node_that_is_away_keeps_nobody_from_the_answers_of_the_others() -> None:
    async with scripted() as (cluster, client):
        first, second = cluster.nodes
        [one], [other] = cluster.of(first), cluster.of(second)
        assert await of_each(client, [one, other, one], lambda pipe, key: pipe.get(key)) == {
            one: first.port,
            other: second.port,
        }
        await second.stop()
        assert await of_each(client, [other, one], lambda pipe, key: pipe.get(key)) == {one: first.port}
        with pytest.raises(NO_ANSWER):
            await of_each(client, [other], lambda pipe, key: pipe.get(key))


async def test_about_nobody_nobody_is_asked() -> None:
    async with Redis(port=1) as nobody_there:
        assert await of_each(nobody_there, [], lambda pipe, key: pipe.get(key)) == {}
