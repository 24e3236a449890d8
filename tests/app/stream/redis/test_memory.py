from __future__ import annotations

from redis.asyncio import Redis

from app.stream.redis.connect import connect
from app.stream.redis.memory import Room, fullest, fullest_of, room_of
from tests.app.stream.redis.cluster.scripted import scripted


def test_the_fullest_is_by_what_is_left_and_not_by_size() -> None:
    assert fullest([Room(900, 1000), Room(5000, 10_000)]) == Room(900, 1000)
    assert fullest([Room(5, 0), Room(9, 0)]) == Room(9, 0)
    assert fullest([Room(5000, 0), Room(1, 10)]) == Room(1, 10)
    assert room_of({}) == Room(0, 0)


async def test_each_node_of_a_cluster_is_looked_at_and_who_is_away_says_nothing() -> None:
    async with scripted(3) as (cluster, client):
        await client.nodes.learn()
        for number, node in enumerate(cluster.nodes):
            node.info = f"used_memory:{number}0\r\nmaxmemory:100\r\n"
        assert await fullest_of(Room(1, 100), client) == Room(20, 100)
        await cluster.nodes[2].stop()
        assert await fullest_of(Room(1, 100), client) == Room(10, 100)
        assert await fullest_of(Room(1, 100), None) == Room(1, 100)


async def test_a_server_that_is_away_says_nothing() -> None:
    gone: Redis = connect("redis://127.0.0.1:1/0", "tests", retries=0)
    assert await fullest_of(Room(1, 100), gone) == Room(1, 100)
