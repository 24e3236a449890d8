"""The primary dies and Sentinel puts a replica in its place: streams go on, new ones work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey, binary
from app.dev.ports import free_port
from app.dev.simulator import answer_for
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.harness.running import Running
from tests.patience import PATIENCE

SERVICE = "keepstream"
SENTINEL = """\
port {port}
dir {directory}
sentinel monitor {service} 127.0.0.1 {primary} 1
sentinel down-after-milliseconds {service} 500
sentinel failover-timeout {service} 2000
"""


class SentinelCluster(Cluster):
    """A cluster whose processes ask a Sentinel for the primary. Nothing stands between them and Redis."""

    def __init__(self, sentinel_port: int, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._sentinel_port = sentinel_port

    async def _environment(self, name: str) -> dict[str, str]:
        url = f"redis+sentinel://127.0.0.1:{self._sentinel_port}/{SERVICE}/0"
        return await super()._environment(name) | {"REDIS_URL": url}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[SentinelCluster, EmbeddedValkey]]:
    """A primary, its replica, a Sentinel, and a cluster that asks it."""
    port = free_port()
    with EmbeddedValkey.start(tmp_path / "primary") as primary:
        follows = (("replicaof", f"127.0.0.1 {primary.port}"),)
        with EmbeddedValkey.start(tmp_path / "replica", extra_config=follows) as replica:
            await in_sync(replica)
            config = tmp_path / "sentinel.conf"
            config.write_text(SENTINEL.format(port=port, directory=tmp_path, service=SERVICE, primary=primary.port))
            with Running([binary(), str(config), "--sentinel"]) as sentinel:
                await asyncio.to_thread(sentinel.line, r"\+slave slave")
                async with SentinelCluster(port, lease_seconds=3) as cluster:
                    yield cluster, primary


async def in_sync(replica: EmbeddedValkey) -> None:
    async with Redis.from_url(replica.url) as redis:
        while (await redis.info("replication")).get("master_link_status") != "up":
            await asyncio.sleep(0.02)


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
