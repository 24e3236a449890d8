"""The board's list of streams, where their server is another one than the queue's."""

from __future__ import annotations

from redis.asyncio import Redis

from app.stream import keys
from app.stream.board.listing import listed
from tests.app.stream.redis.cluster.scripted import scripted


async def test_a_node_that_is_away_hides_its_own_streams_alone(redis: Redis) -> None:
    """Who looks at the board then wants to see what goes on."""
    async with scripted() as (cluster, client):
        there, away = cluster.nodes
        there.answer = lambda _: [1000, [b"me", b"queued", *[None] * 6]]
        shown, hidden = (cluster.of(node)[0][len("ks:{") : -len("}:meta")] for node in (there, away))
        await redis.zadd(keys.JOBS, {hidden: 1, shown: 2})
        await redis.expire(keys.JOBS, 60)
        await away.stop()
        assert [one.stream_id for one in await listed(redis, client)] == [shown]


async def test_who_waits_for_a_person_is_among_those_that_go_on(redis: Redis) -> None:
    """No worker has it, nor the line: who stops all that costs must see it, for a word of approval sets it going."""
    await redis.zadd(keys.APPROVALS, {"st_1": 1})
    await redis.expire(keys.APPROVALS, 60)
    await redis.hset(keys.meta("st_1"), mapping={"state": "waiting", "owner": "me"})  # type: ignore[misc]  # redis-py's types mix both clients
    await redis.expire(keys.meta("st_1"), 60)
    assert [(one.stream_id, one.meta["state"]) for one in await listed(redis, redis)] == [("st_1", b"waiting")]
