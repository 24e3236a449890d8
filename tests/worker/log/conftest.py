from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from tests.harness.network.proxy import Proxy
from tests.worker.log.committing import Hand, committing
from worker.log.commit import Committer


@pytest.fixture
async def proxy(valkey: EmbeddedValkey) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", valkey.port) as made:
        yield made


@pytest.fixture
async def committer(proxy: Proxy) -> AsyncIterator[Committer]:
    async with committing(f"redis://127.0.0.1:{proxy.port}/0") as made:
        yield made


@pytest.fixture
async def hand(redis: Redis, committer: Committer) -> Hand:
    return await Hand(redis, committer).take("st_1")
