"""Leases end by time in which they could be renewed: an outage of any length costs nobody alive his streams."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.presence import Presence
from tests.harness.servers import Server
from tests.long import examples

LIFE_MS = 600_000
LEASE_MS = 10_000
# A living worker renews at every third of a lease. What the machine itself takes to run a test is no part of the play.
RENEWAL_MS = LEASE_MS // 3
HOUR_MS = 3_600_000


@pytest.fixture
async def queue(redis: Redis) -> Queue:
    return Queue(redis)


async def passes(redis: Redis, milliseconds: int) -> None:
    """So much time goes by in which nobody asks Redis anything, or nobody can."""
    seen, clock, still, *rest = map(int, (await redis.get(keys.CLOCK)).split())
    moved = [seen - milliseconds, clock, max(still - milliseconds, 0), *rest]
    await redis.set(keys.CLOCK, " ".join(map(str, moved)), keepttl=True)


async def passes_normally(redis: Redis, queue: Queue, milliseconds: int, *, beat: int = 1000) -> None:
    """So much time goes by in which others' scripts run at every beat."""
    for _ in range(0, milliseconds, beat):
        await passes(redis, beat)
        await queue.renew("somebody", [], LEASE_MS)


async def held_by(queue: Queue, worker: str, *stream_ids: str) -> list[Claim]:
    for stream_id in stream_ids:
        await queue.submit(stream_id, limit=1000, life_ms=LIFE_MS)
    return await queue.claim(worker, 1, slots=len(stream_ids), lease_ms=LEASE_MS)


async def take(queue: Queue, worker: str, number: int = 1) -> list[str]:
    return [claim.stream_id for claim in await queue.claim(worker, number, slots=10, lease_ms=LEASE_MS)]


@pytest.mark.parametrize("milliseconds", [6_500, 14_000, 60_000, 30 * HOUR_MS])
async def test_who_comes_back_first_after_an_outage_takes_nothing(
    redis: Redis, queue: Queue, milliseconds: int
) -> None:
    mine = await held_by(queue, "me", "a", "b")
    await passes_normally(redis, queue, RENEWAL_MS)  # the outage begins when a renewal is due
    await passes(redis, milliseconds)
    assert await take(queue, "first") == []
    await passes(redis, 2_000)
    assert await take(queue, "first", 2) == []
    assert await queue.renew("me", mine, LEASE_MS) == set()


async def test_neither_does_a_front_that_cancels_or_sweeps(redis: Redis, queue: Queue) -> None:
    mine = await held_by(queue, "me", "a")
    await passes(redis, 14_000)
    assert await queue.claim("front", 1, slots=1, lease_ms=LEASE_MS, stream_id="a") == []
    assert await queue.overdue(1, 10) == []
    assert await queue.renew("me", mine, LEASE_MS) == set()


async def test_nobody_is_said_to_be_dead_where_all_have_lost_their_connections(redis: Redis, queue: Queue) -> None:
    mine = await held_by(queue, "me", "a")
    await queue.renew("me", mine, LEASE_MS)
    workers = Presence(redis)
    assert await workers.absent("other") == (1, {"me"})
    await passes(redis, 14_000)
    assert await workers.absent("other") == (1, set())
    assert await workers.expire(["me"]) == {}
    assert await take(queue, "other") == []
    await passes(redis, 1_000)
    await passes(redis, 1_600)
    assert await workers.absent("other") == (1, {"me"})


@pytest.mark.parametrize("first", [0, 14_000])
async def test_who_is_dead_loses_his_streams(redis: Redis, queue: Queue, first: int) -> None:
    """After a lease and little more, also where there was an outage before."""
    await held_by(queue, "dead", "a")
    await passes(redis, first)
    await passes_normally(redis, queue, LEASE_MS - 2_000)
    assert await take(queue, "other") == []
    await passes_normally(redis, queue, 6_000)
    assert await take(queue, "other", 2) == ["a"]


async def test_where_no_worker_lives_a_front_s_sweep_is_enough(redis: Redis, queue: Queue) -> None:
    await held_by(queue, "dead", "a")
    for _ in range(12):  # a minute of them
        await passes(redis, 5_000)
        await queue.overdue(1, 10)
    assert await redis.zscore(keys.LEASES, "a") is None
    assert await redis.zscore(keys.JOBS, "a") is not None


@pytest.mark.parametrize("step", [HOUR_MS, -HOUR_MS])
async def test_a_step_of_the_server_s_clock_costs_nobody_anything(redis: Redis, queue: Queue, step: int) -> None:
    mine = await held_by(queue, "me", "a")
    await passes(redis, step)
    assert await take(queue, "other") == []
    await passes_normally(redis, queue, RENEWAL_MS)
    assert await take(queue, "other", 2) == []
    assert await queue.renew("me", mine, LEASE_MS) == set()
    await passes_normally(redis, queue, LEASE_MS + 4_000)
    assert await take(queue, "other", 3) == ["a"]


async def test_outages_one_after_the_other_add_up_to_nothing(redis: Redis, queue: Queue) -> None:
    """Redis comes back for a second and goes again, and one worker hears nothing of it."""
    mine = await held_by(queue, "me", "a")
    number = 0
    for _ in range(6):
        await passes(redis, 14_000)
        for _ in range(2):
            number += 1
            assert await take(queue, "first", number) == []
            await passes(redis, 500)
    assert await queue.renew("me", mine, LEASE_MS) == set()


class Weather(RuleBasedStateMachine):
    """Workers that live renew as they do, whenever Redis lets them; outages and steps come as they like."""

    runner: asyncio.Runner
    redis: Redis

    @initialize(dice=st.randoms(use_true_random=True))
    def begin(self, dice: random.Random) -> None:
        self.dice = dice
        self.runner.run(self.redis.flushall())
        self.queue, self.workers = Queue(self.redis), Presence(self.redis)
        self.claims: dict[str, Claim] = {}
        self.due: dict[str, int] = {}  # milliseconds of a Redis that answers, until the next renewal
        self.number = 1
        for name in ("one", "two", "three"):
            self.runner.run(self.queue.submit(name, limit=10, life_ms=LIFE_MS))
            [self.claims[name]] = self.runner.run(self.queue.claim(name, 1, slots=1, lease_ms=LEASE_MS))
            self.due[name] = RENEWAL_MS

    def renew(self, name: str) -> None:
        assert self.runner.run(self.queue.renew(name, [self.claims[name]], LEASE_MS)) == set()
        self.due[name] = RENEWAL_MS

    @rule(milliseconds=st.integers(1, 1200))
    def time_passes(self, milliseconds: int) -> None:
        self.runner.run(passes(self.redis, milliseconds))
        for name in self.due:
            self.due[name] -= milliseconds
        for name in [name for name, due in self.due.items() if due <= 0]:
            self.renew(name)

    @rule(milliseconds=st.one_of(st.integers(1, 60_000), st.integers(-HOUR_MS, HOUR_MS)))
    def redis_is_away(self, milliseconds: int) -> None:
        """Or its clock is set. All come back within two seconds, each at its time, and the idle one as it likes."""
        self.runner.run(passes(self.redis, milliseconds))
        for name in self.dice.sample(list(self.due), len(self.due)):
            if self.dice.random() < 0.5:
                self.rob()
            self.runner.run(passes(self.redis, self.dice.randrange(0, 600)))
            self.renew(name)

    @rule()
    def rob(self) -> None:
        """Whoever has nothing asks in each way there is for what others hold."""
        self.number += 1
        for stream_id in ("", "one"):
            self.number += 1
            assert not self.runner.run(
                self.queue.claim("thief", self.number, slots=9, lease_ms=LEASE_MS, stream_id=stream_id)
            )
        assert self.runner.run(self.queue.overdue(1, 10)) == []


@pytest.fixture
def weather(server: Server) -> Iterator[None]:
    with asyncio.Runner() as runner:
        Weather.runner = runner
        Weather.redis = server.connect("weather")
        yield
        runner.run(Weather.redis.flushall())
        runner.run(Weather.redis.aclose())


@pytest.mark.parametrize("many", examples(40))
@pytest.mark.usefixtures("weather")
def test_no_living_worker_is_robbed_in_any_weather(server: Server, many: int) -> None:
    run_state_machine_as_test(Weather, settings=settings(max_examples=server.examples(many), stateful_step_count=20))
