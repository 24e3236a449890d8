from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.harness.relay import Relay


@pytest.fixture(scope="session")
def relay() -> Iterator[Relay]:
    with Relay(KEEPSTREAM_TOOLS="tests.stories.terminal.till") as relay:
        yield relay


@pytest.fixture
async def http(relay: Relay) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=relay.url) as client:
        yield client
