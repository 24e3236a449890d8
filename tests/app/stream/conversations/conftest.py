from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream.conversations.store import Conversations
from app.stream.log import Log


@pytest.fixture
def store(redis: Redis) -> Conversations:
    return Conversations(redis, Log(redis))
