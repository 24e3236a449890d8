from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream.frames import Position
from app.stream.log import Log, Status
from tests.app.stream.log.written import FIRST, STREAM
from tests.app.stream.telling import accept


@pytest.fixture
def log(redis: Redis) -> Log:
    return Log(redis)


@pytest.fixture
async def start(log: Log) -> Position:
    """Where the log of an accepted stream begins, that FIRST holds."""
    position = await accept(log, STREAM)
    assert (await log.begin(FIRST)).status is Status.OK
    return position
