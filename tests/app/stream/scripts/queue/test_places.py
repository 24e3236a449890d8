"""The line in any order of what may happen to it: turns stay fair, counts are a recount's, and places are true."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import Account, Demand, share_of
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.gates import Gates, Report
from tests.harness.servers import Server
from tests.long import examples

LIFE_MS = 600_000
LEASE_MS = 60_000
SIZE = 7
MODEL = "m"
WEIGHTS = {"a": 1.0, "b": 2.0, "acme": 3.0, "acme/x": 1.0, "acme/y": 0.5}
OWNERS = ["a", "b", "acme", "acme/x", "acme/y"]
DEMAND = Demand(tuple(Account(name, weight=weight) for name, weight in WEIGHTS.items()))
# An owner's own weight among those in its name.
TENANT = "a"
# A newcomer stands a hundred-thousandth of a turn behind the one before it.
NEAR = 0.01

SUBMITS = st.tuples(st.just("submit"), st.integers(0, len(OWNERS) - 1))
TAKES = st.tuples(st.just("take"), st.integers(1, 3))
OTHERS = st.sampled_from(
    ["cancel", "cancel", "give_back", "expire", "overdue", "renew", "park", "park", "gate", "done"]
)


def tenant_of(owner: str) -> str:
    return owner.partition("/")[0]


@dataclass
class Race:
    """Two who wait all the while, and how far one has come before the other since they do, in turns."""

    bound: float
    ahead: float = 0.0
    least: float = 0.0
    most: float = 0.0

    def add(self, turns: float) -> None:
        self.ahead += turns
        self.least, self.most = min(self.least, self.ahead), max(self.most, self.ahead)
        assert self.most - self.least <= self.bound + NEAR


@dataclass
class Turns:
    """What is fair among some names, each of which has its weight."""

    waiting: Counter[str] = field(default_factory=Counter)
    races: dict[tuple[str, str], Race] = field(default_factory=dict)

    def comes(self, name: str) -> None:
        self.waiting[name] += 1
        if self.waiting[name] == 1:
            for other in [other for other, waiting in self.waiting.items() if waiting and other != name]:
                self.races[name, other] = Race(1 / WEIGHTS[name] + 1 / WEIGHTS[other])

    def goes(self, name: str) -> None:
        for (one, other), race in self.races.items():
            if name in (one, other):
                race.add((1 if name == one else -1) / WEIGHTS[name])
        self.waiting[name] -= 1
        if not self.waiting[name]:
            self.races = {pair: race for pair, race in self.races.items() if name not in pair}


class Line:
    """The queue of one Redis, and what is known of it from outside."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.queue, self.gates = redis, Queue(redis), Gates(redis)
        self.names = itertools.count()
        self.numbers = itertools.count(1)
        self.owners: dict[str, str] = {}
        self.claims: list[Claim] = []

    async def submit(self, number: int) -> str:
        owner = OWNERS[number % len(OWNERS)]
        stream_id = f"st_{next(self.names)}"
        self.owners[stream_id] = owner
        await self.queue.submit(stream_id, limit=1000, life_ms=LIFE_MS, share=share_of(owner, DEMAND), size=SIZE)
        return owner

    async def take(self, slots: int, stream_id: str = "") -> list[Claim]:
        number = next(self.numbers)
        return await self.queue.claim("worker", number, slots=slots, lease_ms=LEASE_MS, stream_id=stream_id)

    async def step(self, what: str, number: int) -> None:
        if what == "submit":
            await self.submit(number)
        elif what == "take":
            self.claims += await self.take(number)
        elif what == "cancel":
            waiting = await self.waiting()
            for stream_id in waiting[number % len(waiting) :][:1] if waiting else []:
                [claim] = await self.take(1, stream_id)
                await self._done(claim)
        elif what == "overdue":
            await self.queue.overdue(LIFE_MS, 10)
        elif what == "gate":
            await self.gates.ask(MODEL, Report(taken=3), worker="w", unanswered=0, waiting=0, room=1 + number)
        elif self.claims:
            await self._with(self.claims[number % len(self.claims)], what)

    async def _with(self, claim: Claim, what: str) -> None:
        if what == "expire":
            await self.redis.zadd(keys.LEASES, {claim.stream_id: 1}, xx=True)
        elif what == "renew":
            await self.queue.renew("worker", [claim], LEASE_MS)
        elif what == "give_back":
            await self.queue.give_back([claim])
        elif what == "park":
            await self.gates.leave_line(MODEL, claim.stream_id)
            await self.queue.park(claim, MODEL, LIFE_MS)
        elif what == "done":
            await self._done(claim)

    async def _done(self, claim: Claim) -> None:
        if await self.queue.done(claim):
            del self.owners[claim.stream_id]

    async def waiting(self) -> list[str]:
        return [member.decode() for member in await self.redis.zrange(keys.JOBS, 0, -1)]

    async def holds(self) -> None:
        """What holds at any moment."""
        waiting = await self.waiting()
        leased = {member.decode() for member in await self.redis.zrange(keys.LEASES, 0, -1)}
        assert not leased & set(waiting)
        assert leased | set(waiting) == self.owners.keys()
        assert {member.decode() for member in await self.redis.zrange(keys.SINCE, 0, -1)} == set(waiting)
        counted = await self.redis.hgetall(keys.OWNERS)  # type: ignore[misc]  # redis-py's types mix both clients
        tenants = Counter(tenant_of(self.owners[stream_id]) for stream_id in waiting)
        words = {tenant: f"{n}|{WEIGHTS[tenant] * 1000:.0f}|{n * SIZE}" for tenant, n in tenants.items()}
        expected = {share_of(tenant, DEMAND).words[0]: word for tenant, word in words.items()}
        weight = sum(WEIGHTS[tenant] * 1000 for tenant in tenants)
        assert {key.decode(): value.decode() for key, value in counted.items()} == (
            expected | {"all": f"{weight:.0f}|{len(waiting) * SIZE}"} if expected else {}
        )
        assert sorted(place or 0 for place in await self.queue.positions(waiting)) == list(range(1, len(waiting) + 1))

    async def places_are_true(self) -> None:
        """All are taken as they stand."""
        await self.queue.overdue(LIFE_MS, 1000)  # whose lease has ended stands there, too
        waiting = await self.waiting()
        places = dict(zip(waiting, await self.queue.positions(waiting), strict=True))
        claims = await self.take(len(waiting))
        assert [places[claim.stream_id] for claim in claims] == list(range(1, len(claims) + 1))
        for claim in claims:
            await self._done(claim)
        for stream_id in await self.waiting():  # at the gate
            [claim] = await self.take(1, stream_id)
            await self._done(claim)
        for leased in await self.redis.zrange(keys.LEASES, 0, -1):
            await self.redis.zadd(keys.LEASES, {leased: 1})
        for claim in await self.take(1000):
            await self._done(claim)
        await self.nothing_stays()

    async def nothing_stays(self) -> None:
        left = {key.decode() for key in await self.redis.keys("*")}
        kinds = ("jobs", "since", "owners", "sizes", "leases", "claims")
        assert not {key for key in left if key.split(":")[2:3] and key.split(":")[2] in kinds}
        gate = keys.gate_line(MODEL)
        assert not {key for key in left if key.startswith(gate + ":")}


@pytest.fixture
def runner(server: Server) -> Iterator[Any]:
    with asyncio.Runner() as runner:
        redis = server.connect("fairness")

        def run(walk: Any) -> None:
            async def walks() -> None:
                await redis.flushall()
                await walk(Line(redis))

            runner.run(walks())

        yield run
        runner.run(redis.aclose())


@pytest.mark.parametrize("many", examples(60))
def test_no_two_who_wait_are_ever_more_than_a_turn_apart(server: Server, runner: Any, many: int) -> None:
    """In whatever time both wait all along, by their weights: tenants, and the owners in a tenant's name."""

    @settings(max_examples=server.examples(many))
    @given(st.lists(st.one_of(SUBMITS, SUBMITS, TAKES), max_size=60))
    def any_walk(steps: list[tuple[str, int]]) -> None:
        async def walk(line: Line) -> None:
            tenants, users = Turns(), defaultdict(Turns)
            for what, number in steps:
                if what == "submit":
                    owner = await line.submit(number)
                    users[tenant_of(owner)].comes(owner if "/" in owner else TENANT)
                    tenants.comes(tenant_of(owner))
                for claim in await line.take(number) if what == "take" else []:
                    owner = line.owners[claim.stream_id]
                    users[tenant_of(owner)].goes(owner if "/" in owner else TENANT)
                    tenants.goes(tenant_of(owner))

        runner(walk)

    any_walk()


@pytest.mark.parametrize("many", examples(60))
def test_counts_and_places_are_true_whatever_happens(server: Server, runner: Any, many: int) -> None:
    @settings(max_examples=server.examples(many))
    @given(st.lists(st.one_of(SUBMITS, SUBMITS, TAKES, st.tuples(OTHERS, st.integers(0, 9))), max_size=40))
    def any_walk(steps: list[tuple[str, int]]) -> None:
        async def walk(line: Line) -> None:
            for what, number in steps:
                await line.step(what, number)
                await line.holds()
            await line.places_are_true()

        runner(walk)

    any_walk()
