"""What is simulated: a large Keepstream as it runs, what dies of it, and who takes more than his share.

The rule: a scenario is a function of a size and a seed, and says what a table says of it: words and numbers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.stream import keys
from app.stream.accounts import Share
from app.stream.errors import QueueFullError
from app.stream.log import Claim
from app.stream.queue import Queue
from tests.bench.sizing.formula import Figures
from tests.simulation.clock import Loop
from tests.simulation.costs import cost_of
from tests.simulation.fleet import LEASE_MS, Stream, Worker, World
from tests.simulation.herd import herd
from tests.simulation.server import EPOCH, Server

T = TypeVar("T")
Row = tuple[str, str]

LIFE_MS = 3_600_000
SETTLED_SECONDS = 2.0
# Who asks for more than there is, with their weights.
FLOODS = {"one": 1.0, "three": 3.0}


@dataclass(frozen=True, slots=True)
class Size:
    """`streams` run at a time, for `seconds` each on the average, in `slots` of each worker."""

    streams: int = 100_000
    workers: int = 200
    slots: int = 550
    fronts: int = 20
    nodes: int = 6
    tenants: int = 100
    seconds: float = 160.0
    limit: int = 10_000
    busy: float = 0.6

    @property
    def rate(self) -> float:
        """Streams that begin in a second."""
        return self.streams / self.seconds


@dataclass(slots=True)
class Running:
    """A world in which all workers have what they have, and new streams come."""

    size: Size
    world: World
    workers: list[Worker]
    figures: Figures
    refused: int = 0
    count: int = 0

    def worker(self, number: int, *, anew: bool = False) -> Worker:
        name = f"host-{number:03}:{1 + anew}:sim"
        return Worker(name, self.world, slots=self.size.slots, take_seconds=self.figures["worker_start_us"] / 1e6)

    async def arrive(self, rates: Mapping[str, float], weights: Mapping[str, float]) -> None:
        """Streams of tenants, so many a second of each, at random moments."""
        dice, queue = self.world.dice, Queue(self.world.server)  # type: ignore[arg-type]
        names, each = list(rates), list(rates.values())
        asked: set[asyncio.Task[None]] = set()
        while True:
            await asyncio.sleep(dice.expovariate(sum(each)))
            [tenant] = dice.choices(names, each)
            asking = asyncio.ensure_future(self._submit(queue, tenant, weights.get(tenant, 1.0)))
            asked.add(asking)
            asking.add_done_callback(asked.discard)

    async def _submit(self, queue: Queue, tenant: str, weight: float) -> None:
        self.count += 1
        stream_id = f"st_n{self.count}"
        seconds = self.world.dice.expovariate(1 / self.size.seconds)
        self.world.streams[stream_id] = Stream(tenant, seconds, asyncio.get_running_loop().time())
        share = Share(tenant, weight, owner=tenant, others=True)
        try:
            await queue.submit(stream_id, limit=self.size.limit, life_ms=LIFE_MS, share=share, size=4000)
        except QueueFullError:
            self.refused += 1
            del self.world.streams[stream_id]

    def evenly(self, part: float = 1.0) -> dict[str, float]:
        """As many come as end, of all tenants alike."""
        return {f"tenant-{n}": self.size.rate * part / self.size.tenants for n in range(self.size.tenants)}


def begin(size: Size, figures: Figures, seed: int) -> Running:
    """In the middle of a day: all streams run, and have been running for any time."""
    world = World(Server(cost_of(figures), figures["wake_us"] / 1e6), random.Random(seed))  # noqa: S311 - no secret
    running = Running(size, world, [], figures)
    put = world.server.keyspace.run
    number, tenants = 0, {f"tenant-{n}": Share(f"tenant-{n}", owner=f"tenant-{n}").words for n in range(size.tenants)}
    for n in range(size.workers):
        worker = running.worker(n)
        running.workers.append(worker)
        put(b"ZADD", keys.WORKERS, EPOCH * 1000, worker.name)
        for _ in range(size.streams // size.workers):
            number += 1
            stream_id, tenant = f"st_{number}", f"tenant-{number % size.tenants}"
            claim = Claim(stream_id, number, f"{worker.name}/1", 1)
            world.streams[stream_id] = Stream(tenant, size.seconds, 0.0, waited=0.0)
            words = tenants[tenant]
            record = f"4000|{words[0]}|{words[1]}|{words[3]}|{words[4]}|{EPOCH * 1000}||"
            put(b"HSET", keys.SIZES, stream_id, record)
            put(b"HSET", keys.CLAIMS, stream_id, f"1|{EPOCH * 1_000_000 + number}|{number}|{claim.holder}")
            put(b"ZADD", keys.LEASES, EPOCH * 1000 + LEASE_MS, stream_id)
            worker.take(claim, world.dice.expovariate(1 / size.seconds))
        worker.begin(later=world.dice.random(), claims=2)
    put(b"SET", keys.FENCE, str(number))
    return running


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def _spread(values: list[float], digits: int, times: float = 1.0) -> str:
    """Of the middle one, and of one in a hundred."""
    return " / ".join(f"{quantile(values, share) * times:.{digits}f}" for share in (0.5, 0.99))


def _busiest(server: Server, since: float) -> float:
    return max((spent for second, spent in server.busy_by_second.items() if second >= int(since)), default=0.0)


async def _steadily(running: Running, seconds: float) -> asyncio.Task[None]:
    arriving = asyncio.ensure_future(running.arrive(running.evenly(), {}))
    await asyncio.sleep(seconds)
    return arriving


def steady(size: Size, figures: Figures, seed: int, seconds: float = 12.0) -> list[Row]:
    """Nothing happens."""

    async def run() -> list[Row]:
        running = begin(size, figures, seed)
        arriving = await _steadily(running, seconds)
        arriving.cancel()
        server, seen = running.world.server, running.world.seen
        waits = [wait for when, wait, _ in seen.waits if when > SETTLED_SECONDS]
        claims = server.calls["queue/claim"] / seconds
        return [
            ("streams that begin in a second", f"{running.count / seconds:,.0f}"),
            (
                "wait for a worker, p50 / p99",
                f"{_spread(waits, 1, 1e3)} ms",
            ),
            ("claims in a second, of which most find nothing", f"{claims:,.0f}"),
            ("the queue's Redis is busy", f"{sum(server.seconds.values()) / seconds:.0%}"),
        ]

    return _simulated(run)


def deaths(
    size: Size,
    figures: Figures,
    seed: int,
    *,
    dead: int,
    unnoticed: bool = False,
    back_after: float | None = None,
    seconds: float = 15.0,
) -> list[Row]:
    """So many workers die at one moment; others take their places `back_after` so many seconds, if at all.

    `unnoticed`: their machines are gone, and their connections stay.
    """

    async def run() -> list[Row]:
        running = begin(size, figures, seed)
        arriving = await _steadily(running, SETTLED_SECONDS)
        loop, world = asyncio.get_running_loop(), running.world
        server, seen = world.server, world.seen
        died, before = loop.time(), server.calls.copy()
        lost = sum(len(worker.die(unnoticed=unnoticed)) for worker in running.workers[:dead])
        if back_after is not None:
            await asyncio.sleep(back_after)
            for n in range(dead):
                running.worker(n, anew=True).begin(later=world.dice.random())
        await asyncio.sleep(seconds - (back_after or 0.0))
        arriving.cancel()
        over = seen.taken_over
        waits = [wait for when, wait, _ in seen.waits if when > died]
        walked = server.calls["queue/expire"] - before["queue/expire"]
        return [
            ("streams that lost their worker", f"{lost:,}"),
            ("… of which run again", f"{len(over):,}"),
            (
                "from its death to the next claim, p50 / p99",
                f"{_spread(over, 1)} s",
            ),
            ("new streams' wait meanwhile, p99", f"{quantile(waits, 0.99):.2f} s"),
            ("… and refused (429), for so many wait", f"{running.refused:,}"),
            ("walks through all claims", f"{walked}"),
            ("the queue's Redis in its busiest second", f"{_busiest(server, died):.0%}"),
            ("streams taken from a worker that lives", f"{seen.twice}"),
        ]

    return _simulated(run)


def flood(size: Size, figures: Figures, seed: int, seconds: float = 20.0) -> list[Row]:
    """Two tenants ask for far more than there is, of whom one has three times the other's weight."""

    async def run() -> list[Row]:
        running = begin(replace(size, slots=size.streams // size.workers), figures, seed)  # no slot is free
        rates = running.evenly(0.5) | dict.fromkeys(FLOODS, size.rate * 2)
        arriving = asyncio.ensure_future(running.arrive(rates, FLOODS))
        await asyncio.sleep(seconds)
        arriving.cancel()
        waits: dict[str, list[float]] = {"others": [], **{name: [] for name in FLOODS}}
        for when, wait, tenant in running.world.seen.waits:
            if when > seconds / 2:
                waits[tenant if tenant in FLOODS else "others"].append(wait)
        flooding = " and ".join(f"{quantile(waits[name], 0.5):.1f}" for name in FLOODS)
        served = {name: len(found) for name, found in waits.items()}
        return [
            ("asked for, of what there is", f"{sum(rates.values()) / size.rate:.1f}"),
            ("refused (429), for the line was full of their own", f"{running.refused:,} of {running.count:,}"),
            (
                "the others' wait, p50 / p99",
                f"{_spread(waits['others'], 2)} s",
            ),
            (
                "the flooding ones' wait, p50",
                f"{flooding} s",
            ),
            ("streams of the one of weight 3 for each of weight 1", f"{served['three'] / max(served['one'], 1):.2f}"),
        ]

    return _simulated(run)


def burst(figures: Figures, seed: int, *, streams: int, workers: int, slots: int, answer_seconds: float) -> list[float]:
    """All come at one moment to workers that have nothing to do: how long each waited, in order."""

    async def run() -> list[float]:
        size = Size(streams=0, workers=workers, slots=slots, seconds=1.0, tenants=1)
        running = begin(size, figures, seed)
        await asyncio.sleep(SETTLED_SECONDS)
        queue, world = Queue(running.world.server), running.world  # type: ignore[arg-type]
        for n in range(streams):
            world.streams[f"st_{n}"] = Stream("one", answer_seconds, asyncio.get_running_loop().time())
        await asyncio.gather(*(queue.submit(name, limit=streams, life_ms=LIFE_MS) for name in list(world.streams)))
        await asyncio.sleep(SETTLED_SECONDS + streams * answer_seconds / (workers * slots))
        return sorted(wait for _, wait, _ in world.seen.waits)

    return _simulated(run)


def front_dies(size: Size, figures: Figures, seed: int, readers_each: float = 1.0) -> list[Row]:
    """One front of all, with its part of the readers."""
    readers = int(size.streams * readers_each / size.fronts)
    rows = [("readers of it", f"{readers:,}")]
    for who, ours in (("EventSources", False), ("our clients", True)):
        dice = random.Random(seed)  # noqa: S311 - no secret
        found = herd(figures, dice, readers=readers, fronts=size.fronts, nodes=size.nodes, ours=ours, share=size.busy)
        last = f"{found.seconds[-1]:.1f}"
        rows.append((f"{who}: have all again after, p50 / p99 / max", f"{_spread(found.seconds, 1)} / {last} s"))
        rows.append((f"{who}: the most that come to a front within 0.1 s", f"{found.most:,}"))
    return rows


def _simulated(run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(run())
