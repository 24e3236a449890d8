"""The tests' own client of a Valkey Cluster: redis-py's, whose errors are those of any Redis."""

from __future__ import annotations

from typing import Any

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException

from app.dev.ports import LOOPBACK
from tests.harness.sharded.nodes import Nodes

ANSWER_SECONDS = 5.0


class ClusterClient(RedisCluster):  # type: ignore[misc]
    """As `default`, who may do everything. Belongs to the loop that it is used in first."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)
        except RedisClusterException as error:  # which is no `RedisError`
            raise RedisConnectionError(str(error)) from error


def client_of(nodes: Nodes) -> ClusterClient:
    """Goes to the nodes themselves, whatever their clients are told."""
    ports = {node.port: node.valkey.port for node in nodes.nodes}
    return ClusterClient(
        startup_nodes=[ClusterNode(LOOPBACK, port) for port in ports.values()],
        address_remap=lambda address: (address[0], ports.get(address[1], address[1])),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
    )
