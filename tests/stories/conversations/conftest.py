from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.harness.api import Api
from tests.harness.shared import Shared
from tests.stories.conversations.talk import LEASE_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(shared: Shared) -> AsyncIterator[Api]:
    api = Api(
        await shared.like(fronts=2, lease_seconds=LEASE_SECONDS, conversation_limit=200, conversation_bytes=900_000)
    )
    yield api
    await api.close()
