"""The primary behind a stable address becomes a replica, and no connection is closed: readers notice nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.dev.simulator import answer_for
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.network.pair import Pair
from tests.harness.reader import Sight, watch
from tests.patience import PATIENCE

ABANDON_SECONDS = 2.0


class PairCluster(Cluster):
    """A cluster whose processes know one address, behind which the roles are swapped."""

    def __init__(self, pair: Pair, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._pair = pair

    async def _environment(self, name: str) -> dict[str, str]:
        return await super()._environment(name) | {"REDIS_URL": self._pair.url}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[Api, Pair]]:
    async with Pair(tmp_path) as pair, PairCluster(pair, lease_seconds=3) as cluster:
        api = Api(cluster)
        yield api, pair
        await api.close()


async def test_a_stream_that_is_read_is_not_taken_for_abandoned_and_completes(stage: tuple[Api, Pair]) -> None:
    api, pair = stage
    text = "[[sim: tokens=400 rate=50 first=0]]"
    sight = Sight(await api.submit(text, abandon_after=ABANDON_SECONDS))
    reading = asyncio.create_task(watch(sight, lambda: api.port))
    while sight.frames < 20:
        await asyncio.sleep(0.01)
    await pair.swap()
    async with asyncio.timeout(PATIENCE):
        await reading
    assert sight.end is not None
    assert sight.end["outcome"] == "completed"
    assert sight.text() == answer_for([{"role": "user", "content": text}])
    assert sight.resets + sight.fronts_resets == 0
    again = await api.see(await api.submit("[[sim: tokens=3 rate=0 first=0]]"))
    assert again.end is not None
    assert again.end["outcome"] == "completed"
