"""What goes wrong: one fault after the other, each undone, drawn from a seed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.harness.cluster import Cluster

PAUSE_SECONDS = (0.2, 1.2)


class Nemesis:
    """Draws faults with `rng`; `counts` tells how often each was done."""

    def __init__(self, cluster: Cluster, rng: random.Random, lease_seconds: float) -> None:
        self.counts: Counter[str] = Counter()
        self._cluster = cluster
        self._rng = rng
        self._lease = lease_seconds
        # Killing and pausing workers and fronts is what it is about; the rest is weather.
        self._faults: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (5, self.kill_worker),
            (3, self.pause_worker),
            (3, self.drain_worker),
            (3, self.kill_front),
            (2, self.drain_front),
            (2, self.pause_front),
            (4, self.reset_readers),
            (4, self.reset_redis),
            (2, self.silence_redis),
            (2, self.stall_redis),
            (2, self.reset_claude),
            (2, self.kill_clients),
            (1, self.pause_valkey),
            (1, self.restart_valkey),
        ]

    async def run(self, seconds: float) -> None:
        """Does one fault after the other for so long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        weights = [weight for weight, _ in self._faults]
        while loop.time() < deadline:
            [(_, fault)] = self._rng.choices(self._faults, weights)
            self.counts[fault.__name__] += 1
            await fault()
            await asyncio.sleep(self._rng.uniform(*PAUSE_SECONDS))

    async def kill_worker(self) -> None:
        number = self._rng.randrange(len(self._cluster.workers))
        await self._cluster.workers[number].end()
        self._cluster.workers[number] = await self._cluster.worker(number)

    async def drain_worker(self) -> None:
        number = self._rng.randrange(len(self._cluster.workers))
        process = self._cluster.workers[number]
        process.send(signal.SIGTERM)
        status = await process.wait()
        assert status == 0, f"{process.name} drained with status {status}"
        self._cluster.workers[number] = await self._cluster.worker(number)

    async def pause_worker(self) -> None:
        process = self._rng.choice(self._cluster.workers)
        process.send(signal.SIGSTOP)
        await asyncio.sleep(self._rng.uniform(0.1, 1.8) * self._lease)
        process.send(signal.SIGCONT)

    async def kill_front(self) -> None:
        number = self._rng.randrange(len(self._cluster.fronts))
        await self._cluster.fronts[number].end()
        self._cluster.fronts[number] = await self._cluster.front(number)

    async def drain_front(self) -> None:
        number = self._rng.randrange(len(self._cluster.fronts))
        process = self._cluster.fronts[number]
        process.send(signal.SIGTERM)
        status = await process.wait()
        assert status == 0, f"{process.name} drained with status {status}"
        self._cluster.fronts[number] = await self._cluster.front(number)

    async def pause_front(self) -> None:
        process = self._rng.choice(self._cluster.fronts)
        process.send(signal.SIGSTOP)
        await asyncio.sleep(self._rng.uniform(0.1, 2))
        process.send(signal.SIGCONT)

    async def reset_readers(self) -> None:
        self._rng.choice(self._cluster.front_proxies).reset()

    async def reset_redis(self) -> None:
        self._rng.choice(list(self._cluster.redis_proxies.values())).reset()

    async def silence_redis(self) -> None:
        """Half-open: the connections there are stay open and say nothing any more."""
        self._rng.choice(list(self._cluster.redis_proxies.values())).silence()

    async def stall_redis(self) -> None:
        proxy = self._rng.choice(list(self._cluster.redis_proxies.values()))
        proxy.stall()
        await asyncio.sleep(self._rng.uniform(0.1, 1.5) * self._lease)
        proxy.flow()

    async def reset_claude(self) -> None:
        self._cluster.claude.reset()

    async def kill_clients(self) -> None:
        kind = self._rng.choice(["pubsub", "normal"])
        await self._cluster.redis.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    async def pause_valkey(self) -> None:
        await asyncio.to_thread(self._signal_valkey, signal.SIGSTOP)
        await asyncio.sleep(self._rng.uniform(0.2, 4))
        await asyncio.to_thread(self._signal_valkey, signal.SIGCONT)

    async def restart_valkey(self) -> None:
        """With the append-only file: what was acknowledged is kept."""
        await asyncio.to_thread(self._cluster.valkey.kill)
        await asyncio.to_thread(self._cluster.valkey.restart)

    def _signal_valkey(self, number: signal.Signals) -> None:
        os.kill(self._cluster.valkey.pid, number)
