"""What goes wrong: one fault after the other, each undone, drawn from a seed."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from tests.chaos.faults.outages import Outages
from tests.harness.cluster import Cluster

logger = logging.getLogger(__name__)

PAUSE_SECONDS = (0.2, 1.2)
UNFIT = 2
# What disturbs streams, and for how many leases after its end it may: a connection that only looks open is found out.
SHADOW_LEASES = {
    "kill_worker": 1.0,
    "pause_worker": 1.0,
    "drain_worker": 0.0,
    "silence_redis": 5.0,
    "stall_redis": 2.0,
    "reset_claude": 0.0,
}


# How often it is drawn beside others, and what it does.
Fault = tuple[float, Callable[[], Awaitable[None]]]


@dataclass(frozen=True)
class Span:
    """One fault and its time, of the loop's clock. `disturbs`: it may take a stream from its worker or break its call;
    all others must not, however long they last.
    """

    name: str
    began: float
    ended: float
    disturbs: bool


class Nemesis:
    """Draws faults with `rng`; `spans` tells what was done when. `tools`: the share of loops of tools, which nothing
    tries as a worker's death does.
    """

    def __init__(self, cluster: Cluster, rng: random.Random, lease_seconds: float, tools: float = 0) -> None:
        self.spans: list[Span] = []
        # Processes that ended by themselves, which none may.
        self.deaths: list[str] = []
        self.unfit = 0
        self.killed: dict[int, float] = {}  # workers by their pids, and when, by the machine's clock
        self._doing = False
        self._cluster = cluster
        self._rng = rng
        self._lease = lease_seconds
        outages = Outages(cluster, rng, lease_seconds)
        # Killing and pausing workers and fronts is what it is about; the rest is weather.
        self._faults: list[Fault] = [
            (5 + 10 * tools, self.kill_worker),
            (3 + 2 * tools, self.pause_worker),
            (3 + 2 * tools, self.drain_worker),
            (3, self.kill_front),
            (2, self.drain_front),
            (2, self.pause_front),
            (4, self.reset_readers),
            (4, self.reset_redis),
            (2, self.silence_redis),
            (2, self.stall_redis),
            (2, self.reset_claude),
            (2, self.kill_clients),
            (2, outages.refuse_calls),
            (2, outages.stop_redis),
            (2, outages.restart_redis),
            (2, outages.fill_redis),
            (1, outages.lack_replicas),
            (1, outages.demote_redis),
            (1, outages.forbid_writes),
            (1, outages.forbid_channels),
        ]

    def also(self, faults: Iterable[Fault]) -> None:
        """Draws these as well. None of them may take a stream from its worker."""
        self._faults += faults

    @property
    def counts(self) -> Counter[str]:
        return Counter(span.name for span in self.spans)

    def disturbances(self, began: float, ended: float) -> int:
        """How many faults of that time may have taken a stream from its worker, or broken its call."""
        return sum(span.disturbs and span.began <= ended and began <= span.ended for span in self.spans)

    def untouched(self, seconds: float) -> bool:
        """Whether nothing was done to anybody for so long."""
        return not self._doing and all(span.ended < asyncio.get_running_loop().time() - seconds for span in self.spans)

    async def run(self, seconds: float, over: Callable[[], bool]) -> None:
        """Does one fault after the other for so long, or until nothing more is asked."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        weights = [weight for weight, _ in self._faults]
        while loop.time() < deadline and not over():
            await self.supervise()
            [(_, fault)] = self._rng.choices(self._faults, weights)
            began, name = loop.time(), fault.__name__
            logger.info("%.1f: %s", began, name.replace("_", " "))
            self._doing = True
            await fault()
            self._doing = False
            shadow = SHADOW_LEASES.get(name)
            self.spans.append(Span(name, began, loop.time() + (shadow or 0) * self._lease, shadow is not None))
            await asyncio.sleep(self._rng.uniform(*PAUSE_SECONDS))

    async def supervise(self) -> None:
        """Starts again who has ended by itself: with 2 where a permission was missing at its start, as it should."""
        for processes, start in (
            (self._cluster.workers, self._cluster.worker),
            (self._cluster.fronts, self._cluster.front),
        ):
            for number, process in enumerate(processes):
                if process.running:
                    continue
                status, said = await process.wait(), process.last_words
                if status == UNFIT and "NOPERM" in said:
                    self.unfit += 1
                else:
                    self.deaths.append(f"{process.name} ended by itself with {status}: {said}")
                processes[number] = await start(number)

    async def kill_worker(self) -> None:
        number = self._rng.randrange(len(self._cluster.workers))
        await self._cluster.workers[number].end()
        self.killed[self._cluster.workers[number].pid] = time.time()
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
