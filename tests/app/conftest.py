"""A front that serves, and who writes a stream that is read there. Some rooms have a front of their own instead."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.intake.prompt import Prompt
from tests.app.served import Author, Served, served


@pytest.fixture
async def front(redis: Redis) -> AsyncIterator[Served]:
    async with served(redis) as made:
        yield made


@pytest.fixture
async def author(front: Served) -> Author:
    await front.front.streams.submit(Prompt(b"{}", "m", "restart", "digest"), "anonymous", {})
    return await front.author()
