"""Keepstream whose logs are on a Valkey Cluster of so many nodes; the queue has its Valkey beside them."""

from __future__ import annotations

from pathlib import Path

from app.dev.embedded import Config
from tests.bench.stacks import CONTENDERS, Stack
from tests.harness.sharded.nodes import Nodes

KEEPSTREAM = CONTENDERS[0]


def as_deployed(_directory: Path) -> Config:
    """Room for the logs of a run, which the nodes of tests have not."""
    return (("maxmemory", "2gb"),)


class StackOnNodes(Stack):
    """Without replicas: they are more processes than this machine has processors for. No nodes: all is on one Redis."""

    def __init__(self, number: int, upstream: str) -> None:
        super().__init__(KEEPSTREAM, upstream)
        self.number = number
        self.nodes: Nodes | None = None

    def _start(self) -> None:
        if self.number:
            self.nodes = Nodes.start(self._directory / "nodes", primaries=self.number, replicas=0, config=as_deployed)
            self._environment["STREAMS_REDIS_URL"] = self.nodes.url
        super()._start()

    @property
    def pids(self) -> dict[str, int]:
        nodes = self.nodes.nodes if self.nodes else ()
        return super().pids | {f"node-{n}": node.valkey.pid for n, node in enumerate(nodes)}

    def stop(self) -> None:
        if self.nodes is not None:
            self.nodes.stop()
        super().stop()
