"""Which node has what is learnt from whoever answers, once for all who ask, and told to who listens."""

from __future__ import annotations

import asyncio

import pytest

from app.stream.redis.cluster import nodes as room
from app.stream.redis.cluster.slots import slot_of
from app.stream.redis.known import server_of
from tests.app.served import until
from tests.app.stream.redis.cluster.scripted import scripted


async def test_one_node_is_enough_and_the_rest_is_learnt() -> None:
    async with scripted(3) as (cluster, client):
        assert client.nodes.primaries == []
        assert await client.nodes.learn()
        assert {node.place[1] for node in client.nodes.primaries} == {node.port for node in cluster.nodes}


async def test_all_who_ask_at_once_are_told_by_one_look() -> None:
    async with scripted() as (cluster, client):
        assert await asyncio.gather(*(client.nodes.learn() for _ in range(50))) == [True] * 50
        assert sum(len(node.asked(b"CLUSTER")) for node in cluster.nodes) == 1


async def test_who_listens_is_told_of_a_change_and_of_nothing_else() -> None:
    async with scripted() as (cluster, client):
        changes: list[int] = []
        client.nodes.tell(lambda: changes.append(1))
        for _ in range(2):
            await client.nodes.learn()
        assert len(changes) == 1
        [key] = cluster.of(cluster.nodes[0])
        cluster.give(key, cluster.nodes[1])
        await client.nodes.learn()
        assert len(changes) == 2
        found = client.nodes.of_slot(slot_of(key))
        assert found is not None
        assert found.place[1] == cluster.nodes[1].port


async def test_it_is_learnt_anew_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LEARN_SECONDS", 0.01)
    monkeypatch.setattr(room, "PAUSE_SECONDS", 0.0)
    async with scripted() as (cluster, client):
        watching = asyncio.ensure_future(client.nodes.watch())
        await until(lambda: sum(len(node.asked(b"CLUSTER")) for node in cluster.nodes) > 2)
        watching.cancel()


async def test_a_cluster_is_away_where_nobody_of_it_is_there() -> None:
    async with scripted() as (cluster, client):
        await client.nodes.learn()
        for key in (cluster.of(node)[0] for node in cluster.nodes):
            await client.get(key)
        assert not server_of(client).is_away
        for number, node in enumerate(cluster.nodes):
            assert not server_of(client).is_away
            await node.stop()
            found = client.nodes.of_slot(slot_of(cluster.of(node)[0]))
            assert found is not None
            found.known.lost(ConnectionRefusedError())
            assert server_of(client).is_away == (number == 1)
        assert not await client.nodes.learn()
        assert client.nodes.primaries  # what was known stays, until somebody knows better
