"""What arq does to a job by itself, no stream is lost by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
import pytest
from arq.jobs import serialize_job

from app.stream import keys
from tests.worker.claims.pool.watching import LONG_MS
from tests.worker.workshop import Workshop
from worker.claims import jobs


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


async def test_what_escapes_arq_neither_ends_the_worker_nor_leaves_the_stream(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop.worker() as parts:

        async def broken(*_: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(parts.pool, "run_job", broken)
            assert (await shop.run("[[sim: tokens=5]]")).outcome == "failed"
        assert (await shop.run("[[sim: tokens=5]]")).outcome == "completed"


async def test_what_escapes_a_stream_s_life_ends_it_and_is_told_by_its_class(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret answer")

    monkeypatch.setattr("worker.life.work.Work._attempt", broken)
    async with shop.worker():
        stream = await shop.run("")
    assert (stream.outcome, stream.json("error")["message"]) == ("failed", "an internal error")
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
