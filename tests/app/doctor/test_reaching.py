"""One that hangs is not waited for."""

from __future__ import annotations

import asyncio

import pytest

from app.doctor import reaching as module
from tests.app.doctor.checks.patients import patient
from tests.patience import PATIENCE


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
