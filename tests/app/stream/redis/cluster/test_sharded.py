"""A cluster as one client: who asks the wrong node is sent on, and what is on its way is waited for."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.stream.redis.cluster import patience
from app.stream.redis.known import shaken
from app.stream.redis.refusals import Kind, refusal_of
from app.stream.scripts import sharded
from tests.app.stream.redis.cluster.scripted import scripted

PUBLISHES = "return redis.call('PUBLISH', ARGV[1], '1')"


async def test_each_command_goes_to_the_node_that_has_its_key() -> None:
    async with scripted(3) as (cluster, client):
        for node in cluster.nodes:
            [key] = cluster.of(node)
            assert await client.hget(key, "state") == node.port  # type: ignore[misc]
            assert await client.eval("return 1", 1, key) == node.port  # type: ignore[misc]
        assert sum(len(node.asked(b"CLUSTER")) for node in cluster.nodes) == 1


async def test_who_asks_the_wrong_node_asks_the_right_one_and_knows_better_then() -> None:
    async with scripted() as (cluster, client):
        first, second = cluster.nodes
        [key] = cluster.of(first)
        await client.get(key)
        assert not shaken(client)
        cluster.give(key, second)
        assert await client.get(key) == second.port
        asked = len(first.asked(b"GET"))
        assert await client.get(key) == second.port
        assert len(first.asked(b"GET")) == asked
        assert shaken(client)  # who listened there may not listen here yet


async def test_what_is_half_on_its_way_is_asked_for_there_this_once() -> None:
    async with scripted() as (cluster, client):
        first, second = cluster.nodes
        [key] = cluster.of(first)
        first.refusals.append(f"ASK SLOT 127.0.0.1:{second.port}")
        assert await client.get(key) == second.port
        assert [said[0] for said in second.said if said[0] != b"CLUSTER"] == [b"ASKING", b"GET"]
        assert await client.get(key) == first.port


@pytest.mark.parametrize("refusal", ["TRYAGAIN Multiple keys", "CLUSTERDOWN The cluster is down", "LOADING it reads"])
async def test_what_cannot_be_answered_for_now_is_asked_again(refusal: str) -> None:
    async with scripted() as (cluster, client):
        first, _ = cluster.nodes
        [key] = cluster.of(first)
        first.refusals.extend([refusal, refusal])
        assert await client.get(key) == first.port


async def test_one_for_which_nobody_answers_in_time_is_away_and_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)
    async with scripted() as (cluster, client):
        first, _ = cluster.nodes
        [key] = cluster.of(first)
        first.refusals.extend(["CLUSTERDOWN Hash slot not served"] * 1000)
        with pytest.raises(RedisConnectionError) as away:
            await client.get(key)
        assert refusal_of(away.value).kind is Kind.AWAY


async def test_what_is_really_refused_is_raised_at_once() -> None:
    async with scripted() as (cluster, client):
        first, _ = cluster.nodes
        [key] = cluster.of(first)
        first.refusals.append("WRONGTYPE Operation against a key")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await client.get(key)
        assert len(first.asked(b"GET")) == 1


async def test_a_node_that_is_gone_is_left_for_who_took_over() -> None:
    async with scripted(3) as (cluster, client):
        _, gone, heir = cluster.nodes
        keys = cluster.of(gone, 3)
        assert await client.get(keys[0]) == gone.port
        await gone.stop()
        for key in keys:
            cluster.give(key, heir)
        assert await client.get(keys[0]) == heir.port
        async with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(key)
            assert await pipe.execute() == [heir.port] * 3


async def test_a_node_that_is_cut_off_from_the_others_is_not_believed_that_it_has_what_it_had() -> None:
    async with scripted(3) as (cluster, client):
        lonely, heir, _ = cluster.nodes
        [key] = cluster.of(lonely)
        await client.get(key)
        lonely.slots = cluster.slots()
        cluster.give(key, heir)
        lonely.refusals.extend(["CLUSTERDOWN The cluster is down"] * 1000)
        assert await client.get(key) == heir.port
        assert len(lonely.refusals) > 990


async def test_many_of_a_node_that_has_nobody_s_ear_are_away_and_asked_once() -> None:
    async with scripted() as (cluster, client):
        first, second = cluster.nodes
        keys = [*cluster.of(first, 50), *cluster.of(second)]
        await client.get(keys[0])
        first.refusals.extend(["CLUSTERDOWN The cluster is down"] * 1000)
        async with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(key)
            *away, answer = await pipe.execute(raise_on_error=False)
        assert answer == second.port
        assert {refusal_of(one).kind for one in away} == {Kind.AWAY}
        assert len(first.refusals) == 1000 - 50


async def test_a_script_is_brought_to_each_node_and_says_there_what_it_says() -> None:
    async with scripted() as (cluster, client):
        script = client.register_script(PUBLISHES)
        for node in cluster.nodes:
            [key] = cluster.of(node)
            assert await script(keys=[key], args=[key]) == node.port
            assert await script(keys=[key], args=[key]) == node.port
            assert [said[2].decode() for said in node.asked(b"SCRIPT")] == [sharded(PUBLISHES)]
        assert "SPUBLISH" in sharded(PUBLISHES)


async def test_many_commands_are_one_trip_to_each_node_and_answered_in_their_order() -> None:
    async with scripted() as (cluster, client):
        keys = [key for pair in zip(*(cluster.of(node, 3) for node in cluster.nodes), strict=True) for key in pair]
        async with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.publish(key, "x")
            answers = await pipe.execute()
        assert answers == [cluster.nodes[n % 2].port for n in range(6)]
        assert [len(node.asked(b"SPUBLISH")) for node in cluster.nodes] == [3, 3]


async def test_of_many_those_that_went_wrong_are_done_again_and_no_others() -> None:
    async with scripted() as (cluster, client):
        first, second = cluster.nodes
        keys = cluster.of(first, 4)
        await client.get(keys[0])
        cluster.give(keys[1], second)
        async with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(key)
            assert await pipe.execute() == [first.port, second.port, first.port, first.port]
        assert len(first.asked(b"GET")) == 1 + 4
        first.refusals.extend(["TRYAGAIN", "WRONGTYPE no"])
        async with client.pipeline(transaction=False) as pipe:
            for key in (keys[0], keys[2], keys[3]):
                pipe.get(key)
            first_, refused, third = await pipe.execute(raise_on_error=False)
        assert (first_, third) == (first.port, first.port)
        assert isinstance(refused, ResponseError)


async def test_one_node_that_is_away_leaves_the_answers_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)
    async with scripted() as (cluster, client):
        first, second = cluster.nodes
        [here], [there] = cluster.of(first), cluster.of(second)
        await client.get(here)
        await second.stop()
        async with client.pipeline(transaction=False) as pipe:
            pipe.get(there)
            pipe.get(here)
            away, answer = await pipe.execute(raise_on_error=False)
        assert answer == first.port
        assert refusal_of(away).kind is Kind.AWAY
        await client.ping()  # any will do


async def test_who_listens_is_counted_where_it_listens() -> None:
    async with scripted() as (cluster, client):
        names = [cluster.of(node)[0] for node in (*cluster.nodes, cluster.nodes[0])]
        ports = [node.port for node in (*cluster.nodes, cluster.nodes[0])]
        assert await client.pubsub_numsub(*names) == [(n.encode(), p) for n, p in zip(names, ports, strict=True)]


async def test_there_is_no_transaction() -> None:
    async with scripted() as (_, client):
        with pytest.raises(NotImplementedError):
            client.pipeline()
