"""What is done or given back, and by whom (G4)."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim
from app.stream.queue import Queue
from tests.app.stream.queue.line import LIFE_MS, LIMIT, everything, in_line, leased, let_expire, submit, take


async def test_done_leaves_nothing_but_an_entry_on_the_outbox(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [claim] = await take(queue)
    await redis.set(keys.arq_retry("a"), 1, ex=60)
    assert await queue.done(claim, {"id": "a", "outcome": "completed", "attempts": 1})
    [(_, entry)] = await redis.xrange(keys.OUTBOX)
    assert entry == {b"id": b"a", b"outcome": b"completed", b"attempts": b"1"}
    left = {key.decode() for key in await redis.keys("*") if not key.startswith(keys.STEPS.encode())}
    line = {keys.TURNS, keys.BYTES}
    assert left == line | {keys.FENCE, keys.CLOCK, keys.OUTBOX, keys.replay("one"), keys.arq_job("a")}
    assert await redis.ttl(keys.arq_job("a")) <= keys.SUBMIT_SECONDS


async def test_done_is_said_once(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [claim] = await take(queue)
    assert await queue.done(claim, {"id": "a"})
    assert not await queue.done(claim, {"id": "a"})
    assert await redis.xlen(keys.OUTBOX) == 1


async def test_only_the_newest_claim_may_say_done_or_give_back(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [old] = await take(queue)
    await let_expire(redis, "a")
    [new] = await take(queue, "two")
    same_number = Claim("a", new.fence, old.holder)
    before = await everything(redis)
    for claim in (old, same_number, Claim("a", new.fence + 1, new.holder)):
        assert not await queue.done(claim, {"id": "a"})
        assert await queue.give_back([claim]) == 0
    assert await everything(redis) == before
    assert await queue.done(new)
    assert not await redis.exists(keys.OUTBOX)


async def test_done_counts_also_when_the_lease_ran_out_and_nobody_took_it(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [claim] = await take(queue)
    await let_expire(redis, "a")
    await queue.overdue(LIFE_MS, 10)
    assert await queue.done(claim)
    assert (await in_line(redis), await leased(redis)) == ([], set())
    assert await take(queue, "two") == []


async def test_the_outbox_is_bounded(redis: Redis, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "OUTBOX_LENGTH", 100)
    for n in range(350):
        await queue.submit(f"s{n}", limit=LIMIT, life_ms=LIFE_MS)
        [claim] = await take(queue, number=n)
        await queue.done(claim, {"id": claim.stream_id})
    entries = await redis.xrange(keys.OUTBOX)
    assert 100 <= len(entries) < 250
    assert entries[-1][1] == {b"id": b"s349"}


async def test_what_is_given_back_stands_where_it_stood_and_was_not_counted(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c")
    claims = await take(queue, slots=2)
    assert await queue.give_back(claims) == 2
    assert (await in_line(redis), await leased(redis)) == (["a", "b", "c"], set())
    again = await take(queue, "two", slots=3)
    assert [(claim.stream_id, claim.times) for claim in again] == [("a", 1), ("b", 1), ("c", 1)]
    assert min(claim.fence for claim in again) > max(claim.fence for claim in claims)


async def test_what_was_given_back_is_nobodys(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [claim] = await take(queue)
    assert await queue.give_back([claim]) == 1
    assert await queue.give_back([claim]) == 0
    assert not await queue.done(claim)
    assert await in_line(redis) == ["a"]
