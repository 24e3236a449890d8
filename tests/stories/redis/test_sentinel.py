"""The primary dies and Sentinel puts a replica in its place: streams go on, new ones work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.dev.embedded import EmbeddedValkey
from app.dev.simulator import answer_for
from tests.harness.api import Api
from tests.harness.network.sentinel import SentinelCluster, watched_by_a_sentinel
from tests.harness.reader import Sight, watch
from tests.patience import PATIENCE


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[SentinelCluster, EmbeddedValkey]]:
    async with watched_by_a_sentinel(tmp_path, lease_seconds=3) as (cluster, primary):
        yield cluster, primary


async def test_a_failover_ends_no_stream(stage: tuple[SentinelCluster, EmbeddedValkey]) -> None:
    cluster, primary = stage
    api = Api(cluster)
    text = "[[sim: tokens=400 rate=60 first=0]]"
    sight = Sight(await api.submit(text))
    reading = asyncio.create_task(watch(sight, lambda: api.port))
    while sight.frames < 30:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(primary.kill)
    async with asyncio.timeout(PATIENCE):
        await reading
    assert sight.end is not None
    assert sight.end["outcome"] == "completed"
    assert sight.text() == answer_for([{"role": "user", "content": text}])
    again = await api.see(await api.submit("[[sim: tokens=3 rate=0 first=0]]"))
    assert again.end is not None
    await api.close()
