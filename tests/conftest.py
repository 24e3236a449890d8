"""What all tests share: a real Valkey for each test process, and the rule that no key is left without a TTL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream.connect import connect
from tests.harness.leaks import keys_without_ttl

# The machine is shared: an example may take its time, and a real server is part of most of them.
settings.register_profile("keepstream", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
settings.load_profile("keepstream")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey.start(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    """A client of an empty server. The test fails if it leaves a key that would stay for ever."""
    client: Redis = connect(valkey.url, "tests")
    await client.flushall()
    yield client
    forever = await keys_without_ttl(client)
    await client.aclose()
    assert forever == []
