"""What is claimed is held by one, and each claim is a new one."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.gates import Report
from tests.app.stream.queue.line import (
    ANSWER_SECONDS,
    LEASE_MS,
    LIFE_MS,
    ask,
    everything,
    in_line,
    leased,
    let_expire,
    submit,
    take,
)


async def test_a_claim_moves_jobs_from_the_head_of_the_line_to_the_leases(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c")
    claims = await take(queue, slots=2)
    assert [(claim.stream_id, claim.times) for claim in claims] == [("a", 1), ("b", 1)]
    assert await in_line(redis) == ["c"]
    assert await leased(redis) == {"a", "b"}
    seconds, micros = await redis.time()
    for stream_id in ("a", "b"):
        left = await redis.zscore(keys.LEASES, stream_id) - (seconds * 1000 + micros / 1000)
        assert LEASE_MS - ANSWER_SECONDS * 1000 < left <= LEASE_MS


async def test_no_two_claims_share_fence_and_holder(redis: Redis, queue: Queue) -> None:
    """Not even where Redis lost the number and hands it out again."""
    await submit(queue, "a", "b", "c")
    first, second = await take(queue, slots=2)
    assert second.fence > first.fence
    await redis.set(keys.FENCE, first.fence, keepttl=True)
    [third] = await take(queue, number=2)
    [other] = await take(queue, "two") or [Claim("", 0, "")]
    assert third.fence == second.fence
    assert third.holder != second.holder
    assert other.stream_id == ""


async def test_each_claim_of_a_stream_raises_its_fence_and_is_counted(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    seen = []
    for number in range(1, 5):
        [claim] = await take(queue, f"holder-{number % 2}", number)
        seen.append((claim.times, claim.fence))
        await let_expire(redis, "a")
    assert seen == sorted(set(seen))
    assert [times for times, _ in seen] == [1, 2, 3, 4]


async def test_a_claim_whose_reply_was_lost_gives_the_same_answer_again(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c")
    claims = await take(queue, slots=2)
    before = await everything(redis)
    assert await take(queue, slots=2) == claims
    assert await everything(redis) == before
    assert [claim.stream_id for claim in await take(queue, number=2)] == ["c"]
    assert await redis.ttl(keys.replay("one")) <= keys.REPLAY_SECONDS


async def test_holders_answers_are_their_own(queue: Queue) -> None:
    await submit(queue, "a", "b")
    assert [claim.stream_id for claim in await take(queue, "one")] == ["a"]
    assert [claim.stream_id for claim in await take(queue, "two")] == ["b"]


async def test_nobody_is_given_anything_where_nobody_waits(redis: Redis, queue: Queue) -> None:
    assert await take(queue) == []
    assert (await everything(redis)).keys() <= {keys.CLOCK.encode()}
    await submit(queue, "a")
    assert [claim.stream_id for claim in await take(queue)] == ["a"]


async def test_what_can_be_no_stream_is_dropped_and_holds_up_nobody(redis: Redis, queue: Queue) -> None:
    garbage: dict[str | bytes, float] = {b"\xff\xfe": 1, "": 2, "a|b": 3, "two words": 4}
    await redis.zadd(keys.JOBS, garbage)  # type: ignore[arg-type]
    await submit(queue)
    for number in range(len(garbage)):
        assert await take(queue, number=number) == []
    assert (await everything(redis)).keys() == {keys.CLOCK.encode()}
    await redis.zadd(keys.JOBS, garbage | {"a": 5})  # type: ignore[arg-type]
    assert await queue.overdue(0, 10) == ["a"]
    assert await in_line(redis) == ["a"]
    await redis.expire(keys.JOBS, keys.QUEUE_SECONDS)


async def test_one_stream_alone_can_be_claimed_while_it_waits(redis: Redis, queue: Queue) -> None:
    """So a front ends what is cancelled before any worker took it."""
    await submit(queue, "a", "b")
    [claim] = await queue.claim("front", 1, slots=1, lease_ms=LEASE_MS, stream_id="b")
    assert (claim.stream_id, claim.times) == ("b", 1)
    assert await in_line(redis) == ["a"]
    assert await queue.claim("front", 2, slots=1, lease_ms=LEASE_MS, stream_id="b") == []
    assert await queue.claim("front", 3, slots=1, lease_ms=LEASE_MS, stream_id="never") == []


async def test_of_many_who_claim_at_once_each_stream_has_one_holder(queue: Queue) -> None:
    ids = [f"s{n}" for n in range(40)]
    for stream_id in ids:
        await queue.submit(stream_id, limit=100, life_ms=LIFE_MS)
    claims = await asyncio.gather(*(take(queue, f"w{n}", 1, 3) for n in range(20)))
    taken = [claim.stream_id for answer in claims for claim in answer]
    assert sorted(taken) == sorted(ids)


async def test_a_claim_that_was_long_on_its_way_takes_nothing(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    [newer] = await take(queue, number=2)
    assert await take(queue, number=1) == []
    assert await take(queue, number=2) == [newer]
    assert await in_line(redis) == ["b"]


async def test_a_claim_tells_whether_the_last_holder_stands_still_or_is_gone(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    await take(queue, "host:1:x")
    async with redis.pubsub() as connection:
        await connection.subscribe(keys.alive("host:1:x"))
        await let_expire(redis, "a")
        [claim] = await take(queue, "two")
        assert (claim.stalled, claim.times) == (True, 1)
    await let_expire(redis, "a")
    [claim] = await take(queue, "three")
    assert (claim.stalled, claim.times) == (False, 2)


async def test_a_claim_tells_whether_anybody_has_to_wait(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    assert [claim.calm for claim in await take(queue, number=1)] == [True]
    await ask(redis, Report(refused_ms=50))
    assert [claim.calm for claim in await take(queue, number=2)] == [False]
