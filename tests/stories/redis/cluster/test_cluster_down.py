"""Two of three nodes are away for longer than a lease: it is told, nothing is lost, and all goes on afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
import pytest_asyncio

from app.doctor.checks.redis import streams
from tests.app.doctor.checks.patients import found, troubles
from tests.harness.api import Api
from tests.harness.sharded import moves
from tests.harness.sharded.counted import redirections
from tests.harness.sharded.nodes import Node, Nodes
from tests.patience import PATIENCE
from tests.stories.redis.cluster.flowing import deployed, flowing, nobody_noticed

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]

LEASE_SECONDS = 1.5
AWAY_SECONDS = 3 * LEASE_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(nodes: Nodes) -> AsyncIterator[Api]:
    async with deployed(nodes, LEASE_SECONDS) as api:
        yield api


async def until_ready(api: Api, status: int) -> httpx.Response:
    async with asyncio.timeout(PATIENCE):
        while (answer := await api.call("GET", "/readyz")).status_code != status:
            await asyncio.sleep(0.1)
    return answer


def leave(nodes: Nodes, two: Sequence[Node]) -> None:
    for node in two:
        moves.keep(nodes, node)
    for node in two:
        node.valkey.kill()


async def test_it_is_told_and_nothing_is_lost(api: Api, nodes: Nodes) -> None:
    async with flowing(api) as flows:
        two = nodes.primaries()[:2]
        await asyncio.to_thread(leave, nodes, two)
        said = await until_ready(api, 503)
        assert "STREAMS_REDIS_URL" in said.text
        answers = [await api.call("POST", "/v1/streams", json={"prompt": "[[sim: tokens=1]]"}) for _ in range(6)]
        assert 503 in {answer.status_code for answer in answers}
        told = troubles(await found(streams, redis_url=api.cluster.valkey.url, streams_redis_url=nodes.url))
        assert all(any(f":{node.port} does not answer" in says for _, says in told) for node in two)
        await asyncio.sleep(AWAY_SECONDS)
        assert redirections(nodes)["CLUSTERDOWN"]
        for node in two:
            await asyncio.to_thread(node.valkey.restart)
        await asyncio.to_thread(nodes.until_whole)
    await nobody_noticed(api, flows)
    await until_ready(api, 200)
    assert (await api.see(await api.submit("[[sim: tokens=3 rate=0 first=0]]"))).end is not None
