"""What the queue's scripts take of a Redis that is as full as with 100,000 running streams: CPU of a call, and of each
thing that a call is about.

A real Valkey with the leases, the workers and the connections of such a deployment, made by the product's own scripts;
nothing else runs. What is measured is the CPU time of the server, so that a busy machine says nearly the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.dev.ports import LOOPBACK
from app.stream import keys
from app.stream.accounts import Share
from app.stream.board.board import Board
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.redis.connect import connect
from app.stream.workers.presence import Presence
from tests.bench.gauges import cpu_seconds
from tests.bench.load.traffic import allow_descriptors
from tests.bench.sizing.formula import Figures

LIFE_MS = 3_600_000
AT_ONCE = 50
# Connections of a worker to the queue's Redis: its channel, and those of its pool.
CONNECTIONS = 4
ROUNDS = 400
# A stream or two, where a worker is woken.
CLAIMED_TOGETHER = 1.5


@dataclass(frozen=True, slots=True)
class Extent:
    workers: int = 200
    streams: int = 100_000

    @property
    def each(self) -> int:
        return self.streams // self.workers


@dataclass(slots=True)
class Full:
    """A Redis that is as full as that, and its client."""

    extent: Extent
    redis: Redis
    pid: int
    held: dict[str, list[Claim]]

    async def cost(self, times: int, work: Callable[[int], Awaitable[object]], *, at_once: int = 10) -> float:
        """CPU of the server for each time, in µs."""
        before = cpu_seconds(self.pid)
        for first in range(0, times, at_once):
            await asyncio.gather(*(work(n) for n in range(first, min(first + at_once, times))))
        return (cpu_seconds(self.pid) - before) * 1e6 / times


@contextlib.asynccontextmanager
async def full(extent: Extent) -> AsyncIterator[Full]:
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepstream-sizing-")))
        config = (("maxclients", "15000"), ("maxmemory", "8gb"), ("appendonly", "no"))
        valkey = stack.enter_context(await asyncio.to_thread(EmbeddedValkey.start, directory, extra_config=config))
        allow_descriptors(extent.workers * CONNECTIONS)
        redis = connect(valkey.url, "sizing")
        held = await _filled(redis, extent)
        for name in held:
            for n in range(CONNECTIONS):
                one = stack.enter_context(socket.create_connection((LOOPBACK, valkey.port)))
                one.sendall(b"CLIENT SETNAME keepstream-worker-%b\r\n" % name.encode())
                if n == 0:
                    one.sendall(f"SUBSCRIBE {keys.alive(name)} {keys.WAKE}\r\n".encode())
        await asyncio.sleep(1.0)
        yield Full(extent, redis, valkey.pid, held)
        await redis.aclose()


async def _filled(redis: Redis, extent: Extent) -> dict[str, list[Claim]]:
    """Leases of all workers, by worker."""
    queue, held = Queue(redis), {}
    for worker in range(extent.workers):
        name = f"host-{worker:03}:1:{worker:08x}"
        for first in range(0, extent.each, AT_ONCE):
            ids = range(first, min(first + AT_ONCE, extent.each))
            await asyncio.gather(*(_submit(queue, f"st_{worker:03}{n:05}", n) for n in ids))
        held[name] = await queue.claim(name, 1, slots=extent.each, lease_ms=LIFE_MS)
        await queue.renew(name, held[name], LIFE_MS)
    return held


async def _submit(queue: Queue, stream_id: str, n: int) -> object:
    share = Share(f"tenant-{n % 50}", owner=f"tenant-{n % 50}", others=True)
    return await queue.submit(stream_id, limit=1_000_000, life_ms=LIFE_MS, share=share, size=4000)


async def measured(extent: Extent) -> dict[str, float]:
    """Microseconds by the names that the page has for them."""
    async with full(extent) as there:
        redis, queue, presence, board = there.redis, Queue(there.redis), Presence(there.redis), Board(there.redis)
        number = 1

        async def claim(slots: int) -> list[Claim]:
            nonlocal number
            number += 1
            return await queue.claim("claimer:1:x", number, slots=slots, lease_ms=LIFE_MS)

        found: dict[str, float] = {}
        some = list(there.held.items())
        few = await there.cost(100, lambda n: queue.renew(some[n][0], [], LIFE_MS))
        many = await there.cost(100, lambda n: queue.renew(some[n][0], some[n][1], LIFE_MS), at_once=2)
        found["renew_us"] = few
        found["lease_us"] = (many - few) / extent.each
        found["absent_us"] = await there.cost(100, lambda _: presence.absent(some[0][0]))
        found["clients_us"] = await there.cost(20, lambda _: presence.connected(), at_once=1)
        found["leave_us"] = await there.cost(100, lambda n: board.leave(f"p{n}", {"streams": 1}, 1, {"a": 1}))
        found["look_us"] = await there.cost(5, lambda _: board.look(), at_once=1)
        found["expire_us"] = await there.cost(5, lambda n: presence.expire([some[n][0]]), at_once=1)
        await redis.client_kill_filter(_type="pubsub")  # type: ignore[no-untyped-call]  # nobody hears a wake-up for now
        bare = await there.cost(ROUNDS, lambda n: _submit(queue, f"st_a{n}", n))
        found["submit_us"] = bare
        taken: list[Claim] = []
        before = cpu_seconds(there.pid)
        while claims := await claim(20):
            taken += claims
        spent = (cpu_seconds(there.pid) - before) * 1e6
        found["claim_us"] = await there.cost(ROUNDS, lambda _: claim(20))
        found["claimed_us"] = (spent - found["claim_us"] * (len(taken) / 20)) / len(taken)
        entry = {"id": "st", "owner": "tenant", "outcome": "completed", "attempts": 1, "ended_at": 1}
        found["done_us"] = await there.cost(len(taken), lambda n: queue.done(taken[n], entry))
        return found


async def publishing(extent: Extent) -> float:
    """What a wake-up takes for each worker that hears it, in µs."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepstream-sizing-")))
        valkey = stack.enter_context(await asyncio.to_thread(EmbeddedValkey.start, directory))
        redis = connect(valkey.url, "sizing")
        there = Full(extent, redis, valkey.pid, {})
        alone = await there.cost(2000, lambda _: redis.publish(keys.WAKE, "1"))
        for _ in range(extent.workers):
            one = stack.enter_context(socket.create_connection((LOOPBACK, valkey.port)))
            one.sendall(f"SUBSCRIBE {keys.WAKE}\r\n".encode())
        await asyncio.sleep(0.5)
        heard = await there.cost(2000, lambda _: redis.publish(keys.WAKE, "1"), at_once=1)
        await redis.aclose()
    return (heard - alone) / extent.workers


def of_queue(known: Figures) -> Figures:
    """All of it."""
    extent = Extent()
    found = asyncio.run(measured(extent))
    found["wake_us"] = max(asyncio.run(publishing(extent)), 0.0)
    # Of a stream, where a claim takes a few together.
    found["queue_stream_us"] = sum(found[name] for name in ("submit_us", "claimed_us", "done_us"))
    found["queue_stream_us"] += found["claim_us"] / CLAIMED_TOGETHER
    return {name: value for name, value in found.items() if name in known}
