from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream.queue import Queue


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue(redis)
