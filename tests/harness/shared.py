"""A cluster that tests of several files use: started once, and for as long as its settings are what is asked for.

The rule: one stands at a time, and it is given as if it were new: everybody lives, everything flows, nothing is stored.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from tests.harness.cluster import Cluster


class Shared:
    """`async with` ends what stands at the end."""

    def __init__(self) -> None:
        self._cluster: Cluster | None = None
        self._asked: dict[str, Any] = {}

    async def like(self, **asked: Any) -> Cluster:
        """A cluster as `Cluster(**asked)` would be."""
        if self._cluster is not None and (asked != self._asked or not await self._cluster.renewed()):
            await self.end()
        if self._cluster is None:
            self._cluster, self._asked = await Cluster(**asked).__aenter__(), asked
        return self._cluster

    async def end(self) -> None:
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            await cluster.__aexit__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.end()
