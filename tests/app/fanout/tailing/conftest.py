from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.fanout import beat as beats
from tests.app.following import SOON, STREAM, Inside, Stream, inside


@pytest.fixture
async def final(redis: Redis) -> Stream:
    return await Stream.begin(redis, STREAM, delivery="final")


@pytest.fixture
async def front(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inside]:
    for name in ("TICK_SECONDS", "BEAT_SECONDS"):
        monkeypatch.setattr(beats, name, SOON)
    async with inside(redis) as made:
        yield made
