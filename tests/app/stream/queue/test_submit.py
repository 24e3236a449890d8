"""What is submitted stands in the line once, and a key stands for one stream."""

from __future__ import annotations

import orjson
import pytest
from arq.jobs import deserialize_job
from redis.asyncio import Redis

from app.stream import keys
from app.stream.errors import IdempotencyConflictError, QueueFullError
from app.stream.queue import Idempotency, Queue
from app.stream.upgrades.jobs import FUNCTION
from tests.app.stream.queue.line import ANSWER_SECONDS, LIFE_MS, LIMIT, everything, in_line, submit, take


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
