"""What these tests share: a front without HTTP, a stream that is written by hand, and how fast the beat is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.fanout import beat as beats
from app.fanout import tail as tails
from app.fanout.shared_log import SharedLog
from app.fanout.tail import Tail
from app.stream.frames import origin
from tests.app.following import (
    NEVER,
    SOON,
    STREAM,
    Inside,
    Stream,
    inside,
)
from tests.app.tails import SlowLog


@pytest.fixture
async def front(redis: Redis) -> AsyncIterator[Inside]:
    async with inside(redis) as made:
        yield made


@pytest.fixture
async def stream(redis: Redis) -> Stream:
    return await Stream.begin(redis, STREAM)


@pytest.fixture
def quick_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """To be asked for before the front."""
    monkeypatch.setattr(beats, "BEAT_SECONDS", SOON)


@pytest.fixture
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "BEAT_SECONDS", NEVER)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a log that became shorter."""
    monkeypatch.setattr(tails, "REGROW_SECONDS", SOON)


@pytest.fixture
def slow_log(redis: Redis) -> SlowLog:
    return SlowLog(redis)


@pytest.fixture
async def tail(slow_log: SlowLog) -> AsyncIterator[Tail]:
    made = Tail(STREAM, SharedLog(slow_log), origin(STREAM))
    made.seal = None  # as its first read says
    yield made
    made.close()
