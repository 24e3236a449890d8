from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from anthropic import AsyncAnthropic

from tests.harness.relay import Relay
from tests.stories.messages.asking import sdk


@pytest.fixture(scope="session")
def relay() -> Iterator[Relay]:
    with Relay(KEEPSTREAM_LEASE_SECONDS="1", KEEPSTREAM_RETRY_WAIT_MAX="2") as relay:
        yield relay


@pytest.fixture
async def direct(relay: Relay) -> AsyncIterator[AsyncAnthropic]:
    async with sdk(relay.claude) as client:
        yield client


@pytest.fixture
async def relayed(relay: Relay) -> AsyncIterator[AsyncAnthropic]:
    async with sdk(relay.url) as client:
        yield client
