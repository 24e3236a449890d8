"""Two servers behind one address, whose roles are swapped while the connections to the old primary live on."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from tests.harness.network.proxy import Proxy
from tests.patience import PATIENCE


class Pair:
    """`url` is the address that stays; `async with` starts and ends both servers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        start = EmbeddedValkey.start
        at_once = ("repl-diskless-sync-delay", "0")
        self.primary = await asyncio.to_thread(start, self._directory / "one", extra_config=(at_once,))
        self._stack.callback(self.primary.kill)
        follows = (("replicaof", f"127.0.0.1 {self.primary.port}"), at_once)
        self.replica = await asyncio.to_thread(start, self._directory / "two", extra_config=follows)
        self._stack.callback(self.replica.kill)
        self.proxy = await self._stack.enter_async_context(Proxy("127.0.0.1", self.primary.port))
        self.url = f"redis://127.0.0.1:{self.proxy.port}/0"
        await self._in_sync()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def swap(self) -> None:
        """The replica becomes the primary and the other way round. Nobody's connection is closed."""
        old, new = self.primary, self.replica
        await self._in_sync()
        async with Redis.from_url(old.url) as one, Redis.from_url(new.url) as two:
            await two.execute_command("REPLICAOF", "NO", "ONE")
            await one.execute_command("REPLICAOF", "127.0.0.1", new.port)
        self.proxy.target = ("127.0.0.1", new.port)
        self.primary, self.replica = new, old

    async def _in_sync(self) -> None:
        async with Redis.from_url(self.replica.url) as redis:
            async with asyncio.timeout(PATIENCE):
                while (await redis.info("replication")).get("master_link_status") != "up":
                    await asyncio.sleep(0.02)
