"""A node with logs fails over, dies or hangs under load: streams go on, and nobody sees a wrong byte (G1 to G3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.harness.api import Api
from tests.harness.sharded import moves
from tests.harness.sharded.counted import redirections
from tests.harness.sharded.nodes import Node, Nodes
from tests.stories.redis.cluster.flowing import busiest, deployed, ended_well, flowing, nobody_noticed

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(nodes: Nodes) -> AsyncIterator[Api]:
    async with deployed(nodes) as api:
        yield api


def agreed(nodes: Nodes, primary: Node) -> None:
    """A replica takes over as an operator asks it to: the old primary goes on as a replica."""
    moves.fail_over(nodes, primary)


def died(nodes: Nodes, primary: Node) -> None:
    slot = nodes.slot_of(primary)
    moves.kill(nodes, primary, keeping=True)
    moves.successor(nodes, primary, slot)


def hung(nodes: Nodes, primary: Node) -> None:
    """For longer than the others wait; it comes back as somebody who is no primary any more."""
    slot = nodes.slot_of(primary)
    with moves.hanging_without_loss(nodes, [primary]):
        moves.successor(nodes, primary, slot)


@pytest.mark.parametrize("fault", [agreed, died, hung])
async def test_who_loses_nothing_is_not_noticed(api: Api, nodes: Nodes, fault: Callable[[Nodes, Node], None]) -> None:
    async with flowing(api) as flows:
        primary = await asyncio.to_thread(busiest, nodes, flows)
        await asyncio.to_thread(fault, nodes, primary)
        assert await asyncio.to_thread(lambda: primary not in nodes.primaries())
    await nobody_noticed(api, flows)
    await goes_on(api, nodes)


def died_at_once(nodes: Nodes, primary: Node) -> None:
    """Also with what it had said that it has, and its replica has not."""
    slot = nodes.slot_of(primary)
    moves.kill(nodes, primary, keeping=False)
    moves.successor(nodes, primary, slot)


def hung_at_once(nodes: Nodes, primary: Node) -> None:
    """It takes what came meanwhile, before it learns that it is no primary any more."""
    slot = nodes.slot_of(primary)
    with moves.hanging(primary):
        moves.successor(nodes, primary, slot)


@pytest.mark.parametrize("fault", [died_at_once, hung_at_once])
async def test_what_is_lost_is_written_again_or_told(
    api: Api, nodes: Nodes, fault: Callable[[Nodes, Node], None]
) -> None:
    async with flowing(api) as flows:
        primary = await asyncio.to_thread(busiest, nodes, flows)
        await asyncio.to_thread(fault, nodes, primary)
    assert all(ended_well(flow) for flow in flows)
    await goes_on(api, nodes)


async def test_all_of_them_fail_over_one_after_the_other(api: Api, nodes: Nodes) -> None:
    async with flowing(api, tokens=400) as flows:
        for primary in await asyncio.to_thread(nodes.primaries):
            await asyncio.to_thread(moves.fail_over, nodes, primary)
    await nobody_noticed(api, flows)
    assert redirections(nodes)["MOVED"]
    await goes_on(api, nodes)


async def goes_on(api: Api, nodes: Nodes) -> None:
    """Everybody is there again, and more streams are answered."""
    await asyncio.to_thread(moves.heal, nodes)
    async with flowing(api, streams=6, tokens=30, rate=100) as flows:
        pass
    await nobody_noticed(api, flows)
