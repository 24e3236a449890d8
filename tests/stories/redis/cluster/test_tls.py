"""A cluster whose nodes speak TLS: nothing goes to any of them in the clear, also where a client is sent on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.network import users
from tests.harness.network.tls import TlsProxy, certificate
from tests.harness.sharded import moves
from tests.harness.sharded.behind_proxies import BehindProxies
from tests.stories.redis.cluster.flowing import flowing, nobody_noticed

pytestmark = pytest.mark.long


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[Api, BehindProxies]]:
    made, key = certificate(tmp_path, "127.0.0.1")
    proxy = partial(TlsProxy, made=made, key=key)
    async with BehindProxies(tmp_path / "nodes", config=users.config, proxy=proxy) as behind:
        url = users.as_user(behind.nodes.url).replace("redis+cluster://", "rediss+cluster://")
        others = {"STREAMS_REDIS_URL": url, "KEEPSTREAM_REDIS_CA": str(made)}
        async with Cluster(fronts=2, nodes=behind.nodes, others=others) as cluster:
            api = Api(cluster)
            yield api, behind
            await api.close()


async def test_streams_flow_over_tls_also_when_a_node_fails_over(stage: tuple[Api, BehindProxies]) -> None:
    api, behind = stage
    async with flowing(api, streams=6) as flows:
        primary = await asyncio.to_thread(lambda: behind.nodes.primaries()[0])
        await asyncio.to_thread(moves.fail_over, behind.nodes, primary)
    await nobody_noticed(api, flows)
