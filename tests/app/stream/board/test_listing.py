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
