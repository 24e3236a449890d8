"""A primary, its replica, a Sentinel, and a cluster of ours that asks the Sentinel for the primary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey, binary
from app.dev.ports import free_port
from tests.harness.cluster import Cluster
from tests.harness.running import Running

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

    def __init__(self, sentinel_port: int, **settings: Any) -> None:
        super().__init__(**settings)
        self._sentinel_port = sentinel_port

    async def _environment(self, name: str) -> dict[str, str]:
        url = f"redis+sentinel://127.0.0.1:{self._sentinel_port}/{SERVICE}/0"
        return await super()._environment(name) | {"REDIS_URL": url}


@asynccontextmanager
async def watched_by_a_sentinel(
    directory: Path, **settings: Any
) -> AsyncIterator[tuple[SentinelCluster, EmbeddedValkey]]:
    """The cluster, and the primary that it begins with."""
    port = free_port()
    with EmbeddedValkey.start(directory / "primary") as primary:
        follows = (("replicaof", f"127.0.0.1 {primary.port}"),)
        with EmbeddedValkey.start(directory / "replica", extra_config=follows) as replica:
            await _in_sync(replica)
            config = directory / "sentinel.conf"
            config.write_text(SENTINEL.format(port=port, directory=directory, service=SERVICE, primary=primary.port))
            with Running([binary(), str(config), "--sentinel"]) as sentinel:
                await asyncio.to_thread(sentinel.line, r"\+slave slave")
                async with SentinelCluster(port, **settings) as cluster:
                    yield cluster, primary


async def _in_sync(replica: EmbeddedValkey) -> None:
    async with Redis.from_url(replica.url) as redis:
        while (await redis.info("replication")).get("master_link_status") != "up":
            await asyncio.sleep(0.02)
