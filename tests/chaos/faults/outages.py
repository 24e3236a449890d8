"""Redis refuses or is away, also for longer than a lease, and the upstream takes no more calls. Each is undone.

Its rule: nobody's process is hurt, so that every stream of a living worker has to stay where it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.harness.cluster import Cluster
from tests.patience import PATIENCE

# Nobody listens there: a replica of it keeps what it has, and only reads.
NOWHERE = ("127.0.0.1", "1")
LEASES = (0.1, 2.5)
CALLS_A_SECOND = (3, 12)


class Outages:
    """Draws from `rng` how long each lasts."""

    def __init__(self, cluster: Cluster, rng: random.Random, lease_seconds: float) -> None:
        self._cluster = cluster
        self._rng = rng
        self._lease = lease_seconds

    async def stop_redis(self) -> None:
        """Alive, and silent on every connection."""
        pid = self._cluster.valkey.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await self._a_while()
        finally:
            os.kill(pid, signal.SIGCONT)

    async def restart_redis(self) -> None:
        """Gone, and back with the append-only file: what was acknowledged is kept."""
        await asyncio.to_thread(self._cluster.valkey.kill)
        await self._a_while()
        await asyncio.to_thread(self._cluster.valkey.restart)

    async def fill_redis(self) -> None:
        async with self._undone("CONFIG SET maxmemory 2gb"):
            await self._say("CONFIG SET maxmemory 1mb")
            await self._a_while()

    async def lack_replicas(self) -> None:
        async with self._undone("CONFIG SET min-replicas-to-write 0"):
            await self._say("CONFIG SET min-replicas-to-write 1")
            await self._a_while()

    async def demote_redis(self) -> None:
        """READONLY, behind an address that stays."""
        async with self._undone("REPLICAOF NO ONE"):
            await self._say(f"REPLICAOF {' '.join(NOWHERE)}")
            await self._a_while()

    async def forbid_writes(self) -> None:
        async with self._undone("ACL SETUSER default +@all"):
            await self._say("ACL SETUSER default -@write")
            await self._a_while()

    async def forbid_channels(self) -> None:
        """Whoever listens is thrown out, and each script fails where it publishes."""
        async with self._undone("ACL SETUSER default allchannels"):
            await self._say("ACL SETUSER default resetchannels")
            await self._a_while()

    async def refuse_calls(self) -> None:
        """The upstream takes a few calls a second, and tells the others late that it did not."""
        async with httpx.AsyncClient(base_url=self._cluster.claude_url) as http:
            await http.post(f"/_sim/rates?calls={self._rng.randint(*CALLS_A_SECOND)}&burst=1&refusal-delay=0.2")
            await asyncio.sleep(self._rng.uniform(1, 4))
            await http.post("/_sim/rates")

    async def _a_while(self) -> None:
        await asyncio.sleep(self._rng.uniform(*LEASES) * self._lease)

    @contextlib.asynccontextmanager
    async def _undone(self, command: str) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._say(command)

    async def _say(self, command: str) -> None:
        """Over a connection of its own, and until it was heard."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with Redis.from_url(self._cluster.valkey.url) as redis:
                        await redis.execute_command(*command.split())
                        return
                except (RedisError, OSError):
                    await asyncio.sleep(0.1)
