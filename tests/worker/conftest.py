from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from tests.worker.workshop import Workshop, workshop


@pytest.fixture
async def shop(redis: Redis, valkey: EmbeddedValkey) -> AsyncIterator[Workshop]:
    async with workshop(redis, valkey.url) as made:
        yield made
