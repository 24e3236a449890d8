from __future__ import annotations

import time

import pytest

from app.dev.embedded import EmbeddedValkey
from app.doctor.checks.clock import apart, clock
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import found, troubles


async def test_a_clock_that_is_off_is_told_and_which_way(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert troubles(await found(clock, redis_url=valkey.url)) == []
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 60)
    [(level, words)] = troubles(await found(clock, redis_url=valkey.url))
    assert (level, "60 s behind Redis'" in words) == (Level.WARNING, True)
    assert "ahead of" in apart(-60, "Redis'")


async def test_without_a_redis_there_is_nothing_to_say() -> None:
    assert await found(clock, redis_url="redis://127.0.0.1:9") == []
