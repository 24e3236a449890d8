"""What arq does to a job by itself, and what becomes of the stream: it is run, or it has its ending."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from arq import Retry
from arq.jobs import serialize_job

from app.stream import keys
from app.stream.queue import FUNCTION
from tests.worker.workshop import Workshop

LONG_MS = 60_000


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
            patch.setattr("worker.life.work.Work._attempt", broken)
            stream = await shop.run("")
        assert (await shop.run("[[sim: tokens=5]]")).outcome == "completed"
    assert (stream.outcome, stream.json("error")["message"]) == ("failed", "an internal error")
    assert type(raised).__name__ in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("moment", ["run_job", "finish_job"])
async def test_what_arq_raises_itself_ends_the_stream_once_and_no_worker(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    async with shop.worker(lease_seconds=600) as parts:
        with monkeypatch.context() as patch:
            patch.setattr(parts.pool, moment, broken)
            stream_id = await shop.submit("[[sim: tokens=5]]")
            stream = await shop.ended(stream_id)
        assert (await shop.run("[[sim: tokens=5]]")).outcome == "completed"
    assert stream.outcome == {"run_job": "failed", "finish_job": "completed"}[moment]
    assert stream.names.count("relay.end") == 1
    assert len(await shop.outbox(stream_id)) == 1
