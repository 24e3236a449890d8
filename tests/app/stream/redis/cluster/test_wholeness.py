"""A cluster at the start: one that is none, or has slots for nobody, is the end of it, with what to do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream.errors import UnfitServerError
from app.stream.redis.cluster import wholeness as whole
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.slots import slot_of
from app.stream.redis.cluster.wholeness import anybody_serves, until_whole
from app.stream.redis.connect import connect
from app.stream.redis.fitness import judge
from app.stream.redis.refusals import NO_ANSWER, refusal_of
from tests.app.stream.redis.cluster.scripted import scripted


async def test_one_server_is_no_cluster(valkey: EmbeddedValkey) -> None:
    client: Redis = connect(
        f"redis+cluster://:hush@127.0.0.1:{valkey.port}".replace(":hush@", ""), "tests", setting="STREAMS_REDIS_URL"
    )
    assert isinstance(client, Sharded)
    says = rf"STREAMS_REDIS_URL=redis\+cluster://127.0.0.1:{valkey.port}: .*no node of a cluster.*redis://"
    with pytest.raises(UnfitServerError, match=says):
        await until_whole(client)
    await client.aclose()


async def test_nobody_s_slots_are_waited_for_and_then_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "WHOLE_SECONDS", 0.1)
    async with scripted() as (cluster, client):
        slots: Any = [[0, 100, [b"", cluster.nodes[0].port, b"id"]]]
        monkeypatch.setattr(cluster, "slots", lambda: slots)
        with pytest.raises(UnfitServerError, match=r"16283 of 16384 slots .*--cluster fix"):
            await until_whole(client)
        slots.clear()
        with pytest.raises(UnfitServerError):
            async with asyncio.timeout(20):
                await until_whole(client)


def test_its_nodes_are_judged_as_any_server() -> None:
    node = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "maxmemory": 1, "cluster_enabled": 1}
    judge(node, cluster=True)
    with pytest.raises(UnfitServerError, match="noeviction"):
        judge(node | {"maxmemory_policy": "allkeys-lru"}, cluster=True)
    with pytest.raises(UnfitServerError, match=r"STREAMS_REDIS_URL=redis\+cluster"):
        judge(node)


DOWN = "CLUSTERDOWN The cluster is down"


async def test_one_that_is_away_leaves_others_that_serve() -> None:
    async with scripted() as (cluster, client):
        first, second = cluster.nodes
        await anybody_serves(client)
        second.refusals.append(DOWN)
        await anybody_serves(client)
        second.refusals.clear()
        await first.stop()
        await anybody_serves(client)


async def test_a_cluster_of_which_nobody_serves_is_away_although_its_nodes_answer() -> None:
    async with scripted() as (cluster, client):
        for node in cluster.nodes:
            node.refusals.append(DOWN)
        with pytest.raises(NO_ANSWER) as away:
            await anybody_serves(client)
        assert refusal_of(away.value).code == "CLUSTERDOWN"
        await anybody_serves(client)


async def test_who_has_given_a_slot_away_serves() -> None:
    async with scripted() as (cluster, client):
        first, second = cluster.nodes
        await client.nodes.learn()
        for key in (cluster.of(first)[0], cluster.of(second)[0]):
            cluster.give(key, second if cluster.owner(slot_of(key)) is first else first)
        await anybody_serves(client)
