from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.stories.conversations.talk import LEASE_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(
        fronts=2, lease_seconds=LEASE_SECONDS, conversation_limit=200, conversation_bytes=900_000
    ) as cluster:
        api = Api(cluster)
        yield api
        await api.close()
