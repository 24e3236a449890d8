"""All MCP servers of a worker.

The rule: they begin with the worker, and it waits for them only so long; they end with it, however they take that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Self

from app.stream.concurrency.tasks import Supervised
from worker.tools.mcp.config import Server
from worker.tools.mcp.connection import Connection
from worker.tools.toolbox import Runnable

# For their tools to be there when the worker says that it is ready.
BEGIN_SECONDS = 5.0


class Servers:
    """`async with`. `changed` is called whenever there are other tools."""

    def __init__(self, servers: Sequence[Server], changed: Callable[[], None]) -> None:
        self._connections = [Connection(server, self._stir) for server in servers]
        self._changed = changed
        self._tools: dict[str, Runnable] = {}
        self._stack = AsyncExitStack()

    def tools(self) -> Mapping[str, Runnable]:
        """What can be called now, by name."""
        return self._tools

    async def __aenter__(self) -> Self:
        for connection in self._connections:
            kept = Supervised(f"mcp {connection.server.name}", connection.keep)
            await self._stack.enter_async_context(kept)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEGIN_SECONDS):
                    await asyncio.gather(*(connection.tried.wait() for connection in self._connections))
        except BaseException:  # told to end meanwhile
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        processes = [connection.process for connection in self._connections if connection.process is not None]
        await asyncio.gather(*(process.end() for process in processes), return_exceptions=True)

    def _stir(self) -> None:
        found: dict[str, Runnable] = {}
        for connection in self._connections:
            found |= {name: one for name, one in connection.tools.items() if name not in found}
        self._tools = found
        self._changed()
