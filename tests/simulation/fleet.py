"""The workers of the simulation: they take streams, keep them, end them, and find out who of them has died.

The rule: whoever is asked for a decision is the product's own (its queue, its scripts, its neighbours); what stands
here is what the pool does with the answers, without a socket and without a token: an answer is a time.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Awaitable
from dataclasses import dataclass, field

from app.stream import keys
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.presence import Presence
from tests.simulation.server import Server
from worker.claims.leases import RENEWALS_PER_LEASE
from worker.claims.neighbours import Neighbours, client_name
from worker.claims.pool import POLL_SECONDS
from worker.claims.resting import rest_seconds

LEASE_SECONDS = 10.0
LEASE_MS = int(LEASE_SECONDS * 1000)
# Connections of a worker to the queue's Redis.
CONNECTIONS = 4


@dataclass(slots=True)
class Stream:
    """`seconds` that its answer takes, from the call to the ending. `waited` until it was first claimed."""

    tenant: str
    seconds: float
    submitted: float = 0.0
    waited: float | None = None
    lost_at: float | None = None


@dataclass(slots=True)
class Seen:
    """What happened: waits in seconds, those from a worker's death to the next claim, and how many ended."""

    waits: list[tuple[float, float, str]] = field(default_factory=list)  # when, how long, whose
    taken_over: list[float] = field(default_factory=list)
    ended: int = 0
    twice: int = 0  # claimed while another lived on with it


@dataclass(slots=True)
class World:
    """What all that is simulated shares."""

    server: Server
    dice: random.Random
    streams: dict[str, Stream] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)


class Worker:
    """One worker, as long as it lives. `take_seconds`: CPU of a worker for each stream that it begins."""

    def __init__(
        self,
        name: str,
        world: World,
        *,
        slots: int,
        take_seconds: float,
    ) -> None:
        self.name = name
        self._server = server = world.server
        self._streams = world.streams
        self._seen = world.seen
        self._dice = world.dice
        self._slots = slots
        self._take_seconds = take_seconds
        self._loop = asyncio.get_running_loop()
        self._queue = Queue(server)  # type: ignore[arg-type]
        self._neighbours = Neighbours(name, Presence(server), LEASE_SECONDS)  # type: ignore[arg-type]
        self.held: dict[str, Claim] = {}
        self._ends: list[tuple[float, str, Claim]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._claims = 1
        self._more = True
        self._waken = asyncio.Event()
        self._free_at = 0.0
        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self, *, later: float = 0.0, claims: int = 1) -> Worker:
        """Connects, and takes streams; its beats begin `later`, for no two processes were started at once."""
        self._claims = claims
        self._server.clients += [client_name(self.name)] * CONNECTIONS
        self._server.listen(keys.alive(self.name), self, lambda: None)
        self._server.listen(keys.WAKE, self, self._wake)
        self._do(self._main(later))
        self._do(self._keep(later))
        self._do(self._watch(later))
        return self

    def take(self, claim: Claim, seconds: float) -> None:
        """Holds a stream that will have ended after so many seconds."""
        self.held[claim.stream_id] = claim
        heapq.heappush(self._ends, (self._loop.time() + seconds, claim.stream_id, claim))
        if self._ends[0][2] is claim:
            self._look_again()

    def _look_again(self) -> None:
        """One timer for all of them: a hundred thousand would take their time."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._ends[0][0], self._some_end) if self._ends else None

    def _some_end(self) -> None:
        while self._ends and self._ends[0][0] <= self._loop.time():
            _, stream_id, claim = heapq.heappop(self._ends)
            if self.held.get(stream_id) is claim:
                self._end(claim)
        self._look_again()

    def die(self, *, unnoticed: bool = False) -> list[str]:
        """Now. `unnoticed`: its machine is gone, and nobody tells Redis that its connections are."""
        for task in list(self._tasks):
            task.cancel()
        if not unnoticed:
            self._server.deafen(keys.alive(self.name), self)
            self._server.clients = [one for one in self._server.clients if one != client_name(self.name)]
        self._server.deafen(keys.WAKE, self)
        lost = list(self.held)
        if self._timer is not None:
            self._timer.cancel()
        for stream_id in lost:
            self._streams[stream_id].lost_at = self._loop.time()
        self.held.clear()
        return lost

    def _do(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _wake(self) -> None:
        self._waken.set()

    async def _main(self, later: float) -> None:
        """As `Pool.main`."""
        await asyncio.sleep(later * POLL_SECONDS)
        while True:
            self._waken.clear()
            empty = False
            if slots := self._slots - len(self.held):
                empty = not await self._claim(slots)
            self._neighbours.stir()
            if empty:
                await asyncio.sleep(rest_seconds(self._server.heard(keys.WAKE), self._dice.random()))
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._waken.wait()
            except TimeoutError:
                pass

    async def _claim(self, slots: int) -> int:
        claims = await self._queue.claim(self.name, self._claims, slots=slots, lease_ms=LEASE_MS)
        self._claims += bool(claims)
        now = self._loop.time()
        for claim in claims:
            stream = self._streams.get(claim.stream_id)
            if stream is None:  # it had ended, and its worker died before it could say so
                self._do(self._queue.done(claim))
                continue
            if stream.waited is None:
                stream.waited = now - stream.submitted
                self._seen.waits.append((now, stream.waited, stream.tenant))
            elif stream.lost_at is not None:
                self._seen.taken_over.append(now - stream.lost_at)
                stream.lost_at = None
            else:
                self._seen.twice += 1
            # One after the other: what a worker does to begin a stream is done by one core.
            self._free_at = max(self._free_at, now) + self._take_seconds
            self.take(claim, self._free_at - now + stream.seconds)
        self._more = len(claims) >= slots
        return len(claims)

    def _end(self, claim: Claim) -> None:
        del self.held[claim.stream_id]
        self._seen.ended += 1
        self._streams.pop(claim.stream_id, None)
        self._do(self._queue.done(claim))
        if self._more:
            self._waken.set()

    async def _keep(self, later: float) -> None:
        """As `Renewals.keep`."""
        await asyncio.sleep(later * LEASE_SECONDS / RENEWALS_PER_LEASE)
        while True:
            refused = await self._queue.renew(self.name, list(self.held.values()), LEASE_MS)
            for stream_id in refused & self.held.keys():
                del self.held[stream_id]
            await asyncio.sleep(LEASE_SECONDS / RENEWALS_PER_LEASE)

    async def _watch(self, later: float) -> None:
        await asyncio.sleep(later)
        await self._neighbours.watch()
