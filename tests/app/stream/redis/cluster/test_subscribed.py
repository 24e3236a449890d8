"""Listening to a cluster: over one connection for each node, and wherever a slot goes, with a gap and no loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.subscribed import ShardedChannel
from tests.app.served import until
from tests.app.stream.redis.cluster.scripted import ScriptedCluster, ScriptedNode, scripted


class Ear:
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.gaps = 0

    def message(self, payload: bytes) -> None:
        self.heard.append(payload)

    def settle(self) -> None:
        """Nothing is left to do."""

    def gap(self) -> None:
        self.gaps += 1


class Stage:
    def __init__(self, cluster: ScriptedCluster, client: Sharded, channel: ShardedChannel) -> None:
        self.cluster, self.client, self.channel = cluster, client, channel
        self.first, self.second = cluster.nodes

    async def hears(self, node: ScriptedNode) -> tuple[str, Ear]:
        """A name that this node has, and who listens to it."""
        [name], ear = self.cluster.of(node), Ear()
        async with asyncio.timeout(10):
            await self.channel.subscribe(name, ear)
        return name, ear


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with scripted() as (cluster, client):
        await client.nodes.learn()
        async with ShardedChannel(client) as channel:
            await asyncio.sleep(0)
            await client.nodes.learn()  # as it does when it begins: from then on it looks when it is told
            yield Stage(cluster, client, channel)


def says(node: ScriptedNode, name: str, text: bytes) -> None:
    node.say(b"smessage", name.encode(), text)


async def test_each_node_is_listened_to_for_what_it_has(stage: Stage) -> None:
    for node in stage.cluster.nodes:
        name, ear = await stage.hears(node)
        says(node, name, b"one")
        await until(lambda: ear.heard == [b"one"])  # noqa: B023  # awaited within
        assert ear.gaps == 0
        assert node.asked(b"SSUBSCRIBE") == [(b"SSUBSCRIBE", name.encode())]
    assert (stage.channel.subscriptions, stage.channel.connected, stage.channel.alive) == (2, True, True)


async def test_a_slot_that_leaves_takes_who_listens_along_and_tells_of_a_gap(stage: Stage) -> None:
    name, ear = await stage.hears(stage.first)
    _, other = await stage.hears(stage.second)
    stage.cluster.give(name, stage.second)
    stage.first.say(b"sunsubscribe", name.encode(), 0)
    await until(lambda: ear.gaps)
    says(stage.second, name, b"there")
    await until(lambda: ear.heard == [b"there"])
    assert (ear.gaps, other.gaps) == (1, 0)


async def test_who_comes_to_the_wrong_node_is_confirmed_by_the_right_one(stage: Stage) -> None:
    [name] = stage.cluster.of(stage.first)
    stage.cluster.give(name, stage.second)
    ear = Ear()
    async with asyncio.timeout(10):
        await stage.channel.subscribe(name, ear)
    says(stage.second, name, b"there")
    await until(lambda: ear.heard == [b"there"])


async def test_a_node_that_takes_no_one_for_now_is_asked_again(stage: Stage) -> None:
    stage.first.refusals.extend(["CLUSTERDOWN The cluster is down", "TRYAGAIN later"])
    name, ear = await stage.hears(stage.first)
    says(stage.first, name, b"one")
    await until(lambda: ear.heard == [b"one"])
    assert stage.channel.connected


async def test_an_old_refusal_is_not_taken_for_another_names(stage: Stage) -> None:
    """An error says not whose it is: it is of what was asked first."""
    one, other = stage.cluster.of(stage.first, 2)
    ears = Ear(), Ear()
    await stage.channel.subscribe(one, ears[0])
    stage.cluster.give(one, stage.second)
    stage.channel.unsubscribe(one)  # which the first node refuses: it has it no more
    async with asyncio.timeout(10):
        await stage.channel.subscribe(other, ears[1])
    says(stage.first, other, b"mine")
    await until(lambda: ears[1].heard == [b"mine"])
    assert (ears[1].gaps, stage.channel.subscriptions) == (0, 1)


async def test_who_leaves_as_its_slot_does_costs_nobody_else_the_connection(stage: Stage) -> None:
    """Its node says of itself that it is heard no more, and then that it is not asked for that: two answers to one."""
    one, other = stage.cluster.of(stage.first, 2)
    ear = Ear()
    for name in (one, other):
        await stage.channel.subscribe(name, ear)
    stage.cluster.give(one, stage.second)
    stage.first.say(b"sunsubscribe", one.encode(), 0)
    stage.channel.unsubscribe(one)  # before that is read
    await until(lambda: stage.first.asked(b"SUNSUBSCRIBE"))
    says(stage.first, other, b"mine")
    await until(lambda: ear.heard == [b"mine"])
    assert (ear.gaps, len(stage.first.asked(b"SSUBSCRIBE"))) == (0, 2)


async def test_a_connection_that_is_lost_costs_those_of_its_node_a_gap(stage: Stage) -> None:
    name, ear = await stage.hears(stage.first)
    _, other = await stage.hears(stage.second)
    port = stage.first.port
    await stage.first.stop()
    await stage.first.start(port)
    await until(lambda: ear.gaps)
    says(stage.first, name, b"again")
    await until(lambda: ear.heard == [b"again"])
    assert (ear.gaps, other.gaps) == (1, 0)


async def test_who_takes_over_from_a_node_that_is_gone_is_listened_to(stage: Stage) -> None:
    name, ear = await stage.hears(stage.first)
    stage.cluster.give(name, stage.second)
    await stage.first.stop()
    await until(lambda: ear.gaps)
    says(stage.second, name, b"there")
    await until(lambda: ear.heard == [b"there"])
    assert stage.channel.alive  # with the other one


async def test_who_left_hears_no_more_and_is_not_asked_for_elsewhere(stage: Stage) -> None:
    name, ear = await stage.hears(stage.first)
    stage.channel.unsubscribe(name)
    await until(lambda: stage.first.asked(b"SUNSUBSCRIBE"))
    stage.cluster.give(name, stage.second)
    stage.first.say(b"sunsubscribe", name.encode(), 0)
    await stage.client.nodes.learn()
    assert stage.channel.subscriptions == 0
    assert stage.second.asked(b"SSUBSCRIBE") == []
    assert ear.heard == []


async def test_who_comes_while_nobody_is_there_is_confirmed_once_somebody_is() -> None:
    async with scripted() as (cluster, client):
        ports = [node.port for node in cluster.nodes]
        for node in cluster.nodes:
            await node.stop()
        async with ShardedChannel(client) as channel:
            ear, [name] = Ear(), cluster.of(cluster.nodes[1])
            waiting = asyncio.ensure_future(channel.subscribe(name, ear))
            left = asyncio.ensure_future(channel.subscribe("ks:{gone}", Ear()))
            await until(lambda: channel.subscriptions == 2)
            assert not channel.connected
            channel.unsubscribe("ks:{gone}")
            for node, port in zip(cluster.nodes, ports, strict=True):
                await node.start(port)
            async with asyncio.timeout(20):
                await waiting
            assert left.cancelled()
            says(cluster.nodes[1], name, b"here")
            await until(lambda: ear.heard == [b"here"])
