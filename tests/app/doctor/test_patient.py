"""Redis is reached once for all."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from tests.app.doctor.checks.patients import patient


async def test_it_is_asked_once_and_let_go(redis: Redis, valkey: EmbeddedValkey) -> None:
    before = (await redis.info("commandstats"))["cmdstat_info"]["calls"]
    async with patient(redis_url=valkey.url) as one:
        answers = await asyncio.gather(*(one.info() for _ in range(10)))
        assert all(answer is answers[0] is not None for answer in answers)
        assert "doctor" in [client["name"] for client in await redis.client_list()]
    after = (await redis.info("commandstats"))["cmdstat_info"]["calls"]
    assert after - before == 2  # the doctor's and ours
