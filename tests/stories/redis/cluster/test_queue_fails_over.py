"""Logs on a cluster, the queue on a primary with a Sentinel: the primary dies, and the streams do not notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.dev.embedded import EmbeddedValkey
from tests.harness.api import Api
from tests.harness.network.sentinel import watched_by_a_sentinel
from tests.harness.sharded import moves
from tests.harness.sharded.nodes import Nodes
from tests.stories.redis.cluster.flowing import busiest, flowing, nobody_noticed

pytestmark = pytest.mark.long


@pytest.fixture
async def stage(nodes: Nodes, tmp_path: Path) -> AsyncIterator[tuple[Api, EmbeddedValkey]]:
    async with watched_by_a_sentinel(tmp_path, fronts=2, lease_seconds=3, nodes=nodes) as (cluster, primary):
        api = Api(cluster)
        yield api, primary
        await api.close()


async def test_the_queues_primary_fails_over(stage: tuple[Api, EmbeddedValkey]) -> None:
    api, primary = stage
    async with flowing(api) as flows:
        await asyncio.to_thread(primary.kill)
    await nobody_noticed(api, flows)
    async with flowing(api, streams=3, tokens=30) as more:
        pass
    await nobody_noticed(api, more)


async def test_both_fail_over_at_once(stage: tuple[Api, EmbeddedValkey], nodes: Nodes) -> None:
    api, primary = stage
    async with flowing(api, tokens=400) as flows:
        node = await asyncio.to_thread(busiest, nodes, flows)
        slot = nodes.slot_of(node)
        await asyncio.to_thread(moves.kill, nodes, node, keeping=True)
        await asyncio.to_thread(primary.kill)
        await asyncio.to_thread(moves.successor, nodes, node, slot)
    await nobody_noticed(api, flows)
