"""How late the channel is, by what a process says to itself over it."""

from __future__ import annotations

from typing import cast

import pytest
from redis.asyncio import Redis

from app.stream.channel import Channel
from app.stream.redis import accord as module
from app.stream.redis.accord import Accord


class _Redis:
    """Takes what is published, and hands it to nobody."""

    def __init__(self) -> None:
        self.said: list[bytes] = []

    async def publish(self, _name: str, said: str) -> int:
        self.said.append(said.encode())
        return 1


class _Channel:
    connected = True


async def test_it_is_as_late_as_what_is_not_heard_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "perf_counter", lambda: now)
    redis = _Redis()
    accord = Accord(cast("Redis", redis), cast("Channel", _Channel()), "one")
    assert accord.late_seconds is None
    await accord.look()
    now = 100.25
    assert accord.late_seconds == 0.25
    accord.message(redis.said[0])
    now = 102.0
    assert accord.late_seconds == 0.25  # as it was last
    await accord.look()
    now = 104.0
    await accord.look()
    now = 105.0
    assert accord.late_seconds == 3.0
    accord.message(redis.said[2])
    now = 200.0
    assert accord.late_seconds == 1.0
    accord.message(b"not ours")
    assert accord.lag.count == 2
