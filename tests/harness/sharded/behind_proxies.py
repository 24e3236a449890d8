"""A Valkey Cluster of which each node is reached through a proxy: to be cut off from its clients, and from nobody else.

The rule: the nodes tell their clients the proxies' ports, and each other their own; nothing touches what they say to
each other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from app.dev.embedded import Config
from app.dev.ports import LOOPBACK
from tests.harness.network.proxy import Proxy
from tests.harness.sharded.nodes import Nodes, nothing_more


class BehindProxies:
    """`async with` starts and ends all of it. `proxies` stand as `nodes.nodes` do."""

    nodes: Nodes

    def __init__(
        self,
        directory: Path,
        *,
        primaries: int = 3,
        replicas: int = 1,
        config: Callable[[Path], Config] = nothing_more,
        proxy: Callable[[str, int], Proxy] = Proxy,
    ) -> None:
        self.proxies = [proxy(LOOPBACK, 0) for _ in range(primaries * (1 + replicas))]
        self._asked = (directory, primaries, replicas, config)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            announced = [(await stack.enter_async_context(proxy)).port for proxy in self.proxies]
            directory, primaries, replicas, config = self._asked
            self.nodes = stack.enter_context(
                Nodes.start(directory, primaries=primaries, replicas=replicas, announced=announced, config=config)
            )
            for node, proxy in zip(self.nodes.nodes, self.proxies, strict=True):
                proxy.target = (LOOPBACK, node.valkey.port)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
