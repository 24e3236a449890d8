"""What arq does to a job by itself, and what becomes of the stream: it is run, or it has its ending."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from arq import ArqRedis, Retry
from arq.jobs import serialize_job

from app.stream import keys
from app.stream.redis.connect import connect
from app.stream.upgrades.jobs import FUNCTION
from tests.patience import PATIENCE
from tests.worker.claims.pool.watching import LONG_MS
from tests.worker.workshop import BEAT, Workshop
from worker.claims import jobs
from worker.life.life import Life


async def _nothing(shop: Workshop, stream_id: str) -> None:
    await shop.redis.delete(keys.arq_job(stream_id))


async def _malformed(shop: Workshop, stream_id: str) -> None:
    await shop.redis.set(keys.arq_job(stream_id), b"\x80\x04K\x01.", px=LONG_MS)


async def _unknown(shop: Workshop, stream_id: str) -> None:
    job = serialize_job("another_function", ("a secret",), {}, None, 0, serializer=orjson.dumps)
    await shop.redis.set(keys.arq_job(stream_id), job, px=LONG_MS)


async def _of_another_type(shop: Workshop, stream_id: str) -> None:
    """Redis refuses to read it, again and again."""
    await shop.redis.delete(keys.arq_job(stream_id))
    await shop.redis.hset(keys.arq_job(stream_id), "a", "b")
    await shop.redis.pexpire(keys.arq_job(stream_id), LONG_MS)


@pytest.mark.parametrize("happens", [_nothing, _malformed, _unknown, _of_another_type])
async def test_a_job_that_arq_cannot_run_ends_its_stream(
    shop: Workshop,
    happens: Callable[[Workshop, str], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "AWAY_SECONDS_MAX", jobs.AWAY_SECONDS)
    stream_id = await shop.submit("[[sim: tag=broken]]")
    await happens(shop, stream_id)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names) == ("failed", ["relay.end"])
    assert len(await shop.outbox(stream_id)) == 1
    assert await shop.redis.ttl(keys.arq_job(stream_id)) <= keys.SUBMIT_SECONDS
    assert not await shop.redis.exists(keys.arq_retry(stream_id))
    assert (await shop.calls("broken"))["calls"] == 0
    assert "secret" not in caplog.text


async def test_a_job_that_starts_late_runs_under_its_own_claim(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream has come back to the same worker before arq had read the older claim's job."""
    async with shop.worker(lease_seconds=600) as parts:
        run_job, lived, gates = parts.pool.run_job, jobs._lived, [asyncio.Event(), asyncio.Event()]
        started, fences = iter(gates), list[int]()

        async def late(*args: Any) -> None:
            await next(started).wait()
            await run_job(*args)

        async def tell(life: Life, *end: Any) -> None:
            fences.append(life.claim.fence)
            await lived(life, *end)

        monkeypatch.setattr(parts.pool, "run_job", late)
        monkeypatch.setattr(jobs, "_lived", tell)
        stream_id = await shop.submit("[[sim: tokens=3 tag=late]]")
        async with asyncio.timeout(PATIENCE):
            while stream_id not in parts.pool.leases:
                await asyncio.sleep(BEAT)
            older = parts.pool.leases[stream_id]
            await shop.redis.zadd(keys.LEASES, {stream_id: 1})
            parts.pool.wake()
            while parts.pool.leases[stream_id] is older:
                await asyncio.sleep(BEAT)
        for gate in gates:
            gate.set()
        stream = await shop.ended(stream_id)
    assert (stream.outcome, len(await shop.outbox(stream_id))) == ("completed", 1)
    assert fences == [older.claim.fence, older.claim.fence + 1]
    assert (await shop.calls("late"))["calls"] == 1


async def test_arq_s_count_of_tries_ends_no_stream(shop: Workshop) -> None:
    """Each hand-over and each wait at the gate is a try to arq, which gives up after five."""
    stream_id = await shop.submit("[[sim: tokens=3]]")
    await shop.redis.set(keys.arq_retry(stream_id), 1000, px=LONG_MS)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"


async def test_a_job_that_brings_its_own_count_of_tries_is_run(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tokens=3]]")
    job = serialize_job(FUNCTION, (), {}, 1000, 0, serializer=orjson.dumps)
    await shop.redis.set(keys.arq_job(stream_id), job, px=LONG_MS)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"


async def test_arq_sets_no_stream_a_time(shop: Workshop) -> None:
    """It would cancel the stream's task, and take the job for done."""
    async with shop.worker() as parts:
        assert parts.pool.job_timeout_s is None
        assert parts.pool.functions[FUNCTION].timeout_s is None


@pytest.mark.parametrize("raised", [ZeroDivisionError("a secret"), Retry(), asyncio.CancelledError("a secret")])
async def test_what_escapes_a_stream_s_life_never_reaches_arq(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, raised: BaseException
) -> None:
    """It would tell its words, run the job again by its own rules, or take it for done. No lease runs out here."""

    async def broken(*_: object) -> None:
        raise raised

    async with shop.worker(lease_seconds=600):
        with monkeypatch.context() as patch:
            patch.setattr("worker.life.attempts.Attempts.after", broken)
            stream = await shop.run("")
        assert (await shop.run("[[sim: tokens=5]]")).outcome == "completed"
    assert (stream.outcome, stream.json("error")["message"]) == ("failed", "an internal error")
    assert type(raised).__name__ in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("raised", [RuntimeError(), asyncio.CancelledError()])
@pytest.mark.parametrize("moment", ["run_job", "finish_job"])
async def test_what_arq_raises_itself_ends_the_stream_once_and_no_worker(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, moment: str, raised: BaseException
) -> None:
    async def broken(*_: object) -> None:
        raise raised

    async with shop.worker(lease_seconds=600) as parts:
        with monkeypatch.context() as patch:
            patch.setattr(parts.pool, moment, broken)
            stream_id = await shop.submit("[[sim: tokens=5]]")
            stream = await shop.ended(stream_id)
        assert (await shop.run("[[sim: tokens=5]]")).outcome == "completed"
    assert stream.outcome == {"run_job": "failed", "finish_job": "completed"}[moment]
    assert stream.names.count("relay.end") == 1
    assert len(await shop.outbox(stream_id)) == 1


async def test_a_job_of_arq_s_own_client_has_no_stream_behind_it_and_is_dropped(shop: Workshop) -> None:
    client = connect(shop.settings.redis_url, "another", ArqRedis)
    job = await client.enqueue_job(FUNCTION, _queue_name=keys.JOBS)
    await client.aclose()
    assert job is not None
    assert await shop.redis.zcard(keys.JOBS) == 1
    async with shop.worker():
        await shop.eventually(lambda: _is_empty(shop))
        assert (await shop.run("[[sim: tokens=5]]")).outcome == "completed"
    await shop.redis.delete(f"arq:job:{job.job_id}")


async def _is_empty(shop: Workshop) -> bool:
    return not await shop.redis.exists(keys.JOBS, keys.LEASES, keys.CLAIMS)
