"""Redis is reached once for all, and one that hangs is not waited for."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.doctor import reaching as module
from tests.app.doctor.checks.patients import patient
from tests.patience import PATIENCE


async def test_it_is_asked_once_and_let_go(redis: Redis, valkey: EmbeddedValkey) -> None:
    before = (await redis.info("commandstats"))["cmdstat_info"]["calls"]
    async with patient(redis_url=valkey.url) as one:
        answers = await asyncio.gather(*(one.info() for _ in range(10)))
        assert all(answer is answers[0] is not None for answer in answers)
        assert "doctor" in [client["name"] for client in await redis.client_list()]
    after = (await redis.info("commandstats"))["cmdstat_info"]["calls"]
    assert after - before == 2  # the doctor's and ours


async def test_one_that_takes_a_connection_and_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REACH_SECONDS", 0.05)
    came = asyncio.Event()

    async def says_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(says_nothing, "127.0.0.1", 0) as server, asyncio.timeout(PATIENCE):
        async with patient(redis_url=f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}") as one:
            assert one.queue.why == "it has not answered in time"
        await came.wait()
        for writer in writers:
            writer.close()
