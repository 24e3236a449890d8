"""A slot moves to another node while streams flow in it: who asks is sent on, and nobody notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.harness.api import Api
from tests.harness.sharded import moves
from tests.harness.sharded.counted import redirections
from tests.harness.sharded.nodes import Node, Nodes
from tests.stories.redis.cluster.flowing import Flow, deployed, flowing, nobody_noticed

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]

# For so long a slot is open, before the first of its keys has moved and after each few.
OPEN_SECONDS = 0.5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(nodes: Nodes) -> AsyncIterator[Api]:
    async with deployed(nodes) as api:
        yield api


def elsewhere(nodes: Nodes, flow: Flow) -> Node:
    holder = nodes.holder(flow.slot)
    return next(node for node in nodes.primaries() if node is not holder)


async def test_a_slot_that_moves_key_by_key(api: Api, nodes: Nodes) -> None:
    before = redirections(nodes)

    def move(flow: Flow) -> None:
        moves.migrate(nodes, flow.slot, elsewhere(nodes, flow), lambda: time.sleep(OPEN_SECONDS))

    async with flowing(api) as flows:
        for flow in flows[:4]:
            await asyncio.to_thread(move, flow)
    await nobody_noticed(api, flows)
    after = redirections(nodes)
    assert after["MOVED"] > before["MOVED"]
    assert after["ASK"] + after["TRYAGAIN"] > before["ASK"] + before["TRYAGAIN"]


async def test_a_slot_that_moves_at_once_and_back(api: Api, nodes: Nodes) -> None:
    async with flowing(api) as flows:
        for flow in flows[:4] * 2:
            target = await asyncio.to_thread(elsewhere, nodes, flow)
            await asyncio.to_thread(moves.migrate_at_once, nodes, flow.slot, target)
    await nobody_noticed(api, flows)
