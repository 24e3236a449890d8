"""Redis is away, or refuses all writes, for longer than a lease: no stream of a living worker changes hands (G3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from app.dev.simulator import answer_for
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.long import some_of
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A worker that a busy machine lets wait for longer than a lease has lost its streams.
LEASE_SECONDS = 4.0
OUTAGE_SECONDS = 6.5
STREAMS = 9


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(workers=4, fronts=2, worker_streams=3, lease_seconds=LEASE_SECONDS, drain_seconds=1) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def kill(api: Api) -> None:
    await asyncio.to_thread(api.cluster.valkey.kill)
    await asyncio.sleep(OUTAGE_SECONDS)
    await asyncio.to_thread(api.cluster.valkey.restart)


async def refuse(api: Api) -> None:
    await api.cluster.redis.config_set("min-replicas-to-write", "1")
    await asyncio.sleep(OUTAGE_SECONDS)
    await api.cluster.redis.config_set("min-replicas-to-write", "0")


async def kill_and_begin_one_more(api: Api) -> None:
    """A worker that is new has seen nothing of the outage."""
    await asyncio.to_thread(api.cluster.valkey.kill)
    starting = asyncio.create_task(api.cluster.worker(len(api.cluster.redis_proxies)))
    await asyncio.sleep(OUTAGE_SECONDS)
    await asyncio.to_thread(api.cluster.valkey.restart)
    await starting


@pytest.mark.parametrize("outage", some_of([kill, refuse, kill_and_begin_one_more], 1))
async def test_an_outage_longer_than_the_leases_is_invisible(api: Api, outage: object) -> None:
    tag = f"outage-{outage.__name__}"  # type: ignore[attr-defined]
    texts = [f"{n} [[sim: tokens=500 rate=50 first=0 tag={tag}]]" for n in range(STREAMS)]
    sights = [Sight(await api.submit(text)) for text in texts]
    readers = [asyncio.create_task(watch(sight, api.cluster.any_front)) for sight in sights]
    async with asyncio.timeout(PATIENCE):
        while not all(sight.frames >= 20 for sight in sights):
            await asyncio.sleep(0.01)
        await outage(api)  # type: ignore[operator]
        await asyncio.gather(*readers)
    for text, sight in zip(texts, sights, strict=True):
        assert sight.end is not None
        assert (sight.end["outcome"], sight.end["attempts"], sight.resets) == ("completed", 1, 0)
        assert sight.text() == answer_for([{"role": "user", "content": text}])
    async with httpx.AsyncClient() as http:
        calls = (await http.get(f"{api.cluster.claude_url}/_sim/calls")).json()["tags"][tag]
    assert calls["calls"] == STREAMS
