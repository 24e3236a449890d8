"""What waiting prompts take: the submit's verdict is that of an exact sum, whatever has happened to the line."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.stream import keys
from app.stream.errors import QueueFullError
from app.stream.log import Claim
from app.stream.queue import Queue
from tests.harness.servers import Server
from tests.long import examples

LIFE_MS = 600_000
LEASE_MS = 60_000
LIMIT = 6
MOST_BYTES = 100

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(0, 60)),
        st.tuples(st.just("submit"), st.integers(30, 60)),
        st.tuples(
            st.sampled_from(["claim", "claim", "expire", "overdue", "renew", "give_back", "done"]), st.integers(0, 9)
        ),
    ),
    max_size=25,
)


class Line:
    """The queue, and what waits in it, by its own keys."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.queue = redis, Queue(redis)
        self.names = (f"st_{n}" for n in itertools.count())
        self.numbers = itertools.count(1)
        self.sizes: dict[str, int] = {}
        self.claims: list[Claim] = []

    async def step(self, what: str, number: int) -> None:
        queue, claim = self.queue, self.claims[number % len(self.claims)] if self.claims else None
        if what == "submit":
            await self.submit(number)
        elif what == "claim":
            self.claims += await queue.claim("one", next(self.numbers), slots=1 + number % 2, lease_ms=LEASE_MS)
        elif what == "overdue":
            await queue.overdue(LIFE_MS, 10)
        elif claim is None:
            return
        elif what == "expire":
            await self.redis.zadd(keys.LEASES, {claim.stream_id: 1}, xx=True)
        elif what == "renew":
            await queue.renew("one", [claim], LEASE_MS)
        elif what == "give_back":
            await queue.give_back([claim])
        elif what == "done":
            await queue.done(claim)

    async def submit(self, size: int) -> None:
        waiting = [self.sizes[member.decode()] for member in await self.redis.zrange(keys.JOBS, 0, -1)]
        fits = len(waiting) < LIMIT and sum(waiting) + size <= MOST_BYTES
        name = next(self.names)
        self.sizes[name] = size
        try:
            await self.queue.submit(name, limit=LIMIT, life_ms=LIFE_MS, size=size, most_bytes=MOST_BYTES)
        except QueueFullError:
            assert not fits
        else:
            assert fits


@pytest.mark.parametrize("many", examples(150))
def test_what_waits_is_counted_exactly(server: Server, many: int) -> None:
    with asyncio.Runner() as runner:
        redis = server.connect("waiting")

        async def walk(steps: list[tuple[str, int]]) -> None:
            await redis.flushall()
            line = Line(redis)
            for what, number in steps:
                await line.step(what, number)

        @settings(max_examples=server.examples(many))
        @given(STEPS)
        def any_walk(steps: list[tuple[str, int]]) -> None:
            runner.run(walk(steps))

        any_walk()
        runner.run(redis.aclose())


async def test_many_at_once_take_no_more_than_may_wait(redis: Redis) -> None:
    queue = Queue(redis)

    async def submit(number: int) -> bool:
        try:
            await queue.submit(f"st_{number}", limit=1000, life_ms=LIFE_MS, size=7, most_bytes=MOST_BYTES)
        except QueueFullError:
            return False
        return True

    assert sum(await asyncio.gather(*(submit(n) for n in range(60)))) == MOST_BYTES // 7


async def test_nothing_is_kept_of_what_is_done(redis: Redis) -> None:
    queue = Queue(redis)
    await queue.submit("st_1", limit=1, life_ms=LIFE_MS, size=7, most_bytes=7)
    [claim] = await queue.claim("one", 1, slots=1, lease_ms=LEASE_MS)
    await queue.done(claim)
    assert not await redis.exists(keys.SIZES)


@pytest.mark.parametrize("comes_back", ["give_back", "overdue", "claim"])
async def test_who_comes_back_to_the_line_is_counted_again(redis: Redis, comes_back: str) -> None:
    queue = Queue(redis)

    async def submit(name: str, size: int) -> None:
        await queue.submit(name, limit=LIMIT, life_ms=LIFE_MS, size=size, most_bytes=MOST_BYTES)

    await submit("st_1", 60)
    [claim] = await queue.claim("one", 1, slots=1, lease_ms=LEASE_MS)
    await submit("st_2", 60)  # counted anew: only this one waits
    if comes_back == "give_back":
        await queue.give_back([claim])
    else:
        await redis.zadd(keys.LEASES, {"st_1": 1}, xx=True)
        if comes_back == "overdue":
            await queue.overdue(LIFE_MS, 10)
        else:
            assert await queue.claim("two", 1, slots=1, lease_ms=LEASE_MS, stream_id="st_9") == []
    with pytest.raises(QueueFullError):
        await submit("st_3", 10)


async def test_a_long_line_is_counted_at_a_pace_also_where_there_is_room(redis: Redis) -> None:
    queue, most = Queue(redis), 10_100

    async def submit(name: str) -> None:
        await queue.submit(name, limit=10**6, life_ms=LIFE_MS, size=10, most_bytes=most)

    await asyncio.gather(*(submit(f"st_{n}") for n in range(1010)))
    await queue.claim("one", 1, slots=2, lease_ms=LEASE_MS)
    await submit("st_a")  # counted anew: there is room for one more
    next_count = int(await redis.hget(keys.BYTES, "next") or 0)  # type: ignore[misc]  # redis-py's types mix both clients
    assert next_count > 0
    await redis.execute_command("HSET", keys.BYTES, "next", next_count + 600_000_000)  # type: ignore[no-untyped-call]
    await queue.claim("one", 2, slots=3, lease_ms=LEASE_MS)
    await submit("st_b")  # fits as far as is known
    with pytest.raises(QueueFullError):
        await submit("st_c")  # and it is too early to know more
    await redis.execute_command("HSET", keys.BYTES, "next", 1)  # type: ignore[no-untyped-call]
    await submit("st_c")
