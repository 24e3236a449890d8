"""The queue's scripts on a real server: a job waits or is leased, and only its newest claim may say more."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from arq.jobs import deserialize_job
from redis.asyncio import Redis

from app.stream import keys
from app.stream.errors import IdempotencyConflictError, QueueFullError
from app.stream.log import Claim
from app.stream.queue import FUNCTION, Idempotency, Queue
from app.stream.workers import Limit, Told, Turns, Workers

LIFE_MS = 600_000
LEASE_MS = 60_000
LIMIT = 4
ANSWER_SECONDS = 5.0


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue(redis)


async def submit(queue: Queue, *stream_ids: str) -> None:
    for stream_id in stream_ids:
        submitted = await queue.submit(stream_id, limit=LIMIT, life_ms=LIFE_MS)
        assert (submitted.stream_id, submitted.repeated) == (stream_id, False)


async def take(queue: Queue, holder: str = "one", number: int = 1, free: int = 1) -> list[Claim]:
    return await queue.claim(holder, number, free=free, lease_ms=LEASE_MS)


async def in_line(redis: Redis) -> list[str]:
    return [member.decode() for member in await redis.zrange(keys.JOBS, 0, -1)]


async def leased(redis: Redis) -> set[str]:
    return {member.decode() for member in await redis.zrange(keys.LEASES, 0, -1)}


async def let_expire(redis: Redis, *stream_ids: str) -> None:
    """Their leases' time is over."""
    for stream_id in stream_ids:
        assert await redis.zadd(keys.LEASES, {stream_id: 1}, xx=True, ch=True) == 1


async def everything(redis: Redis) -> dict[bytes, Any]:
    """All there is, to be compared."""
    return {key: await redis.dump(key) for key in await redis.keys("*")}


# --- submitting


async def test_a_submitted_stream_waits_behind_the_others(redis: Redis, queue: Queue) -> None:
    await submit(queue, "c", "a", "b")
    assert await in_line(redis) == ["c", "a", "b"]
    assert [await queue.position(stream_id) for stream_id in ("c", "a", "b", "never")] == [1, 2, 3, None]
    assert await queue.waiting() == 3


async def test_a_job_is_one_that_arq_can_run_and_holds_nothing_of_the_prompt(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    job = deserialize_job(await redis.get("arq:job:{queue}:a"), deserializer=orjson.loads)
    assert (job.function, job.args, job.kwargs) == (FUNCTION, [], {})
    assert LIFE_MS / 2 < await redis.pttl("arq:job:{queue}:a") <= LIFE_MS


async def test_the_line_is_ordered_by_the_clock_of_redis(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    seconds, micros = await redis.time()
    score = await redis.zscore(keys.JOBS, "a")
    assert score is not None
    assert 0 <= seconds * 1_000_000 + micros - score < ANSWER_SECONDS * 1_000_000


async def test_a_full_line_takes_nothing_and_stores_nothing(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c", "d")
    before = await everything(redis)
    with pytest.raises(QueueFullError) as refused:
        await queue.submit("e", limit=LIMIT, life_ms=LIFE_MS, idempotency=Idempotency("me", "key", "body"))
    assert refused.value.retry_after > 0
    assert await everything(redis) == before


async def test_what_is_claimed_makes_room(queue: Queue) -> None:
    await submit(queue, "a", "b", "c", "d")
    await take(queue)
    await submit(queue, "e")


async def test_a_submit_that_is_repeated_is_one_submit(redis: Redis, queue: Queue) -> None:
    """Wherever the stream has come meanwhile, and also where the line is full."""
    await submit(queue, "a", "b", "c", "d")
    before = await everything(redis)
    await submit(queue, "a")
    assert await everything(redis) == before
    await take(queue)
    await submit(queue, "e")
    before = await everything(redis)
    await submit(queue, "a")
    assert await everything(redis) == before


async def test_a_submit_that_is_repeated_after_the_ending_runs_nothing(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [claim] = await take(queue)
    await queue.done(claim)
    await submit(queue, "a")
    assert await in_line(redis) == []


KEY = Idempotency("me", "key", "body")


async def test_a_key_stands_for_the_stream_that_took_it_first(redis: Redis, queue: Queue) -> None:
    await queue.submit("a", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY)
    for _ in range(2):
        again = await queue.submit("b", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY)
        assert (again.stream_id, again.repeated) == ("a", True)
    own = await queue.submit("a", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY)
    assert (own.stream_id, own.repeated) == ("a", False)
    assert await in_line(redis) == ["a"]
    assert await queue.find("me", "key") == "a"
    assert LIFE_MS / 2 < await redis.pttl(keys.idempotency("me", "key")) <= LIFE_MS


async def test_a_key_is_honoured_also_when_the_line_is_full(queue: Queue) -> None:
    await queue.submit("a", limit=1, life_ms=LIFE_MS, idempotency=KEY)
    again = await queue.submit("b", limit=1, life_ms=LIFE_MS, idempotency=KEY)
    assert (again.stream_id, again.repeated) == ("a", True)


async def test_another_body_with_the_same_key_is_a_conflict_that_stores_nothing(redis: Redis, queue: Queue) -> None:
    await queue.submit("a", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY)
    before = await everything(redis)
    with pytest.raises(IdempotencyConflictError) as refused:
        await queue.submit("b", limit=LIMIT, life_ms=LIFE_MS, idempotency=Idempotency("me", "key", "other body"))
    assert refused.value.stream_id == "a"
    assert await everything(redis) == before


async def test_a_key_is_its_owners(redis: Redis, queue: Queue) -> None:
    await queue.submit("a", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY)
    await queue.submit("b", limit=LIMIT, life_ms=LIFE_MS, idempotency=Idempotency("you", "key", "other body"))
    await queue.submit("c", limit=LIMIT, life_ms=LIFE_MS, idempotency=Idempotency("m", "ekey", "other body"))
    assert await in_line(redis) == ["a", "b", "c"]
    assert await queue.find("you", "key") == "b"
    assert await queue.find("nobody", "key") is None


async def test_a_dead_stream_is_replaced_under_its_key_once(redis: Redis, queue: Queue) -> None:
    """Of two who found the same stream dead, the second is given what the first put in its place."""
    await queue.submit("a", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY)
    other = Idempotency("me", "key", "other body")
    b = await queue.submit("b", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY, replaces="a")
    c = await queue.submit("c", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY, replaces="a")
    assert [(b.stream_id, b.repeated), (c.stream_id, c.repeated)] == [("b", False), ("b", True)]
    d = await queue.submit("d", limit=LIMIT, life_ms=LIFE_MS, idempotency=other, replaces="b")
    assert (d.stream_id, d.repeated) == ("d", False)
    assert await queue.find("me", "key") == "d"
    assert await in_line(redis) == ["a", "b", "d"]
    with pytest.raises(IdempotencyConflictError):
        await queue.submit("e", limit=LIMIT, life_ms=LIFE_MS, idempotency=KEY)


# --- claiming


async def test_a_claim_moves_jobs_from_the_head_of_the_line_to_the_leases(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c")
    claims = await take(queue, free=2)
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
    first, second = await take(queue, free=2)
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
    claims = await take(queue, free=2)
    before = await everything(redis)
    assert await take(queue, free=2) == claims
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
    [claim] = await queue.claim("front", 1, free=1, lease_ms=LEASE_MS, stream_id="b")
    assert (claim.stream_id, claim.times) == ("b", 1)
    assert await in_line(redis) == ["a"]
    assert await queue.claim("front", 2, free=1, lease_ms=LEASE_MS, stream_id="b") == []
    assert await queue.claim("front", 3, free=1, lease_ms=LEASE_MS, stream_id="never") == []


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
    await ask(redis, Told(refused_ms=50))
    assert [claim.calm for claim in await take(queue, number=2)] == [False]


# --- waiting at a gate


async def ask(redis: Redis, told: Told = Told(), worker: str = "w", **asked: int) -> Turns:  # noqa: B008  # frozen
    return await Workers(redis).gate("m", told, worker=worker, **{"unanswered": 0, "waiting": 0, "room": 0, **asked})


async def parked(queue: Queue, *stream_ids: str) -> None:
    await submit(queue, *stream_ids)
    for number, claim in enumerate(await take(queue, "parks", 1, len(stream_ids))):
        assert await queue.park(claim, "m", LIFE_MS), number


async def test_who_waits_at_a_gate_is_nobody_s_and_is_not_claimed(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a", "b")
    await submit(queue, "c")
    assert await leased(redis) == set()
    assert [claim.stream_id for claim in await take(queue, "two", free=4)] == ["c"]
    assert await queue.waiting() == 2


async def test_turns_go_to_the_oldest_who_come_back_to_their_old_places_uncounted(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a", "b", "c")
    await submit(queue, "d")
    turns = await ask(redis, room=2)
    assert (turns.given, turns.line) == (0, 1)
    claims = await take(queue, "two", free=4)
    assert [(claim.stream_id, claim.times) for claim in claims] == [("a", 1), ("b", 1), ("d", 1)]
    assert await Workers(redis).leave_line("m", "a")
    assert not await Workers(redis).leave_line("m", "a")
    assert not await Workers(redis).leave_line("m", "c")


async def test_no_more_are_woken_than_there_is_room_for(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a", "b", "c")
    assert (await ask(redis, room=1)).line == 2
    assert (await ask(redis, room=1)).line == 2
    await Workers(redis).leave_line("m", "a")
    assert (await ask(redis, room=1)).line == 1


async def test_who_waits_at_a_gate_can_be_cancelled(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a", "b")
    [claim] = await queue.claim("front", 1, free=1, lease_ms=LEASE_MS, stream_id="a")
    assert await queue.done(claim)
    await ask(redis, room=5)
    assert [claim.stream_id for claim in await take(queue, "two", free=4)] == ["b"]


async def test_whose_turn_never_comes_is_claimed_all_the_same_and_swept(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a")
    assert await queue.overdue(0, 10) == []
    await redis.zincrby(keys.JOBS, -2 * LIFE_MS * 1000, "a")  # so much later its time has come
    assert await queue.overdue(0, 10) == ["a"]
    assert await queue.overdue(LIFE_MS, 10) == []
    [claim] = await take(queue, "two", free=4)
    assert (claim.stream_id, claim.times) == ("a", 1)
    assert await queue.give_back([claim])
    await submit(queue, "b")
    assert await in_line(redis) == ["a", "b"]


async def test_only_its_newest_holder_parks_a_stream(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [old] = await take(queue)
    await let_expire(redis, "a")
    [new] = await take(queue, "two")
    assert not await queue.park(old, "m", 1)
    assert await leased(redis) == {"a"}
    assert await queue.park(new, "m", 1)
    assert not await queue.park(new, "m", 1)
    assert not await queue.park(Claim("never", 1, "x/1"), "m", 1)
    await redis.expire(keys.gate_line("m"), 60)


# --- leases that expire


async def test_an_expired_lease_puts_its_stream_back_where_it_stood(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c")
    old = await take(queue, free=2)
    await let_expire(redis, "b", "a")
    new = await take(queue, "two", free=2)
    assert [claim.stream_id for claim in new] == ["a", "b"]
    assert min(claim.fence for claim in new) > max(claim.fence for claim in old)
    assert await in_line(redis) == ["c"]


async def test_a_lease_that_lasts_is_left_alone(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    await take(queue, free=2)
    await let_expire(redis, "b")
    assert [claim.stream_id for claim in await take(queue, "two", free=2)] == ["b"]


@pytest.mark.parametrize("asked", [{"free": 0}, {"free": 1, "stream_id": "never"}])
async def test_an_expired_lease_returns_with_any_claim(redis: Redis, queue: Queue, asked: dict[str, Any]) -> None:
    await submit(queue, "a")
    await take(queue)
    await let_expire(redis, "a")
    assert await queue.claim("two", 1, lease_ms=LEASE_MS, **asked) == []
    assert await in_line(redis) == ["a"]
    assert await queue.position("a") == 1
    assert await leased(redis) == set()


async def test_an_expired_lease_returns_also_when_somebody_only_looks_who_waits(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    await take(queue)
    await let_expire(redis, "a")
    assert await queue.overdue(LIFE_MS, 10) == []
    assert (await in_line(redis), await leased(redis)) == (["a"], set())


# --- renewing


async def test_a_lease_is_renewed_also_where_there_is_no_room_for_anything_new(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    claims = await take(queue)
    await let_expire(redis, "a")
    await redis.config_set("maxmemory", "1")
    try:
        assert await queue.renew("one", claims, LEASE_MS) == set()
        assert await take(queue, "two") == []
    finally:
        await redis.config_set("maxmemory", "0")


async def test_a_renewal_makes_the_lease_last(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    claims = await take(queue, free=2)
    before = await redis.zscore(keys.LEASES, "a")
    assert await queue.renew("one", claims, 2 * LEASE_MS) == set()
    assert await redis.zscore(keys.LEASES, "a") > before + LEASE_MS / 2
    assert await leased(redis) == {"a", "b"}


async def test_an_expired_lease_that_nobody_took_is_taken_back(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    claims = await take(queue)
    await let_expire(redis, "a")
    assert await queue.renew("one", claims, LEASE_MS) == set()
    assert await take(queue, "two") == []
    await let_expire(redis, "a")
    await queue.overdue(LIFE_MS, 10)
    assert await in_line(redis) == ["a"]
    assert await queue.renew("one", claims, LEASE_MS) == set()
    assert (await in_line(redis), await leased(redis)) == ([], {"a"})


async def test_a_lease_that_somebody_took_is_refused_and_theirs_stays(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    old = await take(queue, free=2)
    await let_expire(redis, "a")
    [new] = await take(queue, "two")
    before = await redis.zscore(keys.LEASES, "a")
    assert await queue.renew("one", old, 2 * LEASE_MS) == {"a"}
    assert await redis.zscore(keys.LEASES, "a") == before
    assert await queue.renew("two", [new], LEASE_MS) == set()


async def test_what_is_done_given_back_or_never_was_cannot_be_renewed(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b")
    a, b = await take(queue, free=2)
    await queue.done(a)
    await queue.give_back([b])
    assert await queue.renew("one", [a, b, Claim("never", 1, "one/1")], LEASE_MS) == {"a", "b", "never"}
    assert (await in_line(redis), await leased(redis)) == (["b"], set())


async def test_a_worker_is_listed_while_it_renews_and_forgotten_after(redis: Redis, queue: Queue) -> None:
    await queue.renew("one", [], LEASE_MS)
    await queue.renew("two", [], LEASE_MS)
    assert await redis.zrange(keys.WORKERS, 0, -1) == [b"one", b"two"]
    await redis.zadd(keys.WORKERS, {"one": 1})
    await queue.renew("two", [], LEASE_MS)
    assert await redis.zrange(keys.WORKERS, 0, -1) == [b"two"]
    await queue.forget_worker("two")
    assert await redis.zrange(keys.WORKERS, 0, -1) == []


# --- done, and given back


async def test_done_leaves_nothing_but_an_entry_on_the_outbox(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [claim] = await take(queue)
    await redis.set(keys.arq_retry("a"), 1, ex=60)
    assert await queue.done(claim, {"id": "a", "outcome": "completed", "attempts": 1})
    [(_, entry)] = await redis.xrange(keys.OUTBOX)
    assert entry == {b"id": b"a", b"outcome": b"completed", b"attempts": b"1"}
    left = {key.decode() for key in await redis.keys("*")}
    assert left == {keys.FENCE, keys.CLOCK, keys.OUTBOX, keys.BYTES, keys.replay("one"), keys.arq_job("a")}
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
    claims = await take(queue, free=2)
    assert await queue.give_back(claims) == 2
    assert (await in_line(redis), await leased(redis)) == (["a", "b", "c"], set())
    again = await take(queue, "two", free=3)
    assert [(claim.stream_id, claim.times) for claim in again] == [("a", 1), ("b", 1), ("c", 1)]
    assert min(claim.fence for claim in again) > max(claim.fence for claim in claims)


async def test_what_was_given_back_is_nobodys(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [claim] = await take(queue)
    assert await queue.give_back([claim]) == 1
    assert await queue.give_back([claim]) == 0
    assert not await queue.done(claim)
    assert await in_line(redis) == ["a"]


# --- the line seen from outside


async def test_who_waited_too_long_is_told_oldest_first(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a", "b", "c", "d")
    await take(queue, free=2)
    await let_expire(redis, "b")
    assert await queue.overdue(LIFE_MS, 10) == []
    assert await in_line(redis) == ["b", "c", "d"]
    await asyncio.sleep(0.002)
    assert await queue.overdue(1, 10) == ["b", "c", "d"]
    assert await queue.overdue(1, 2) == ["b", "c"]


@pytest.fixture
async def woken(redis: Redis) -> Any:
    """Whether a wake-up was published since it was last asked."""
    async with redis.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe(keys.WAKE)
        await listener.get_message(timeout=ANSWER_SECONDS)
        marks = 0

        async def ask() -> int:
            nonlocal marks
            marks += 1
            await redis.publish(keys.WAKE, f"mark {marks}")
            woken = 0
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    message = await listener.get_message(timeout=1)
                    if message is not None and message["data"] == f"mark {marks}".encode():
                        return woken
                    woken += message is not None

        yield ask


async def test_workers_are_woken_for_what_is_new_in_the_line(redis: Redis, queue: Queue, woken: Any) -> None:
    await submit(queue, "a")
    assert await woken() == 1
    claims = await take(queue)
    assert await woken() == 0
    await queue.give_back(claims)
    assert await woken() == 1
    await queue.give_back(claims)
    assert await woken() == 0
    with pytest.raises(QueueFullError):
        await queue.submit("b", limit=1, life_ms=LIFE_MS)
    assert await woken() == 0
    assert await in_line(redis) == ["a"]


async def test_calls_under_way_are_taken_off_what_is_left_and_not_for_ever(redis: Redis) -> None:
    """A worker that died in its calls, or a turn that nobody used, must not make a limit smaller for good."""
    told = Told(taken=30, limits=[Limit("requests", 50, 40, 60_000)])
    assert (await ask(redis, Told(taken=30), worker="lost", waiting=38)).given == 38
    assert (await ask(redis, told, waiting=50)).given == 40 - 38
    assert (await ask(redis, told, unanswered=2, waiting=50)).given == 0
    state = orjson.loads(await redis.get(keys.gate("m")))
    state["calls"]["lost"][1] -= 31_000
    await redis.set(keys.gate("m"), orjson.dumps(state))
    assert (await ask(redis, told, unanswered=2, waiting=50)).given == 40 - 2
