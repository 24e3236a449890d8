from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from worker.admission import SPREAD_SECONDS_MAX, Admission


class Workers:
    """Holds by model, in milliseconds."""

    def __init__(self, error: Exception | None = None) -> None:
        self.holds: dict[str, int] = {}
        self._error = error

    async def hold(self, model: str, milliseconds: int) -> int:
        if self._error is not None:
            raise self._error
        self.holds[model] = milliseconds
        return milliseconds

    async def held(self, model: str) -> int:
        if self._error is not None:
            raise self._error
        return self.holds.get(model, 0)


def admission(workers: Any) -> Admission:
    return Admission(workers, 60.0)


async def test_what_one_finds_out_all_wait_for() -> None:
    workers = Workers()
    await admission(workers).hold("m", 2.0)
    wait = await admission(workers).wait("m")
    assert 2.0 <= wait <= 2.5
    assert await admission(workers).wait("another") == 0.0


async def test_those_who_waited_do_not_come_back_as_one() -> None:
    workers = Workers()
    await admission(workers).hold("m", 40.0)
    waits = {await admission(workers).wait("m") for _ in range(50)}
    assert len(waits) > 10
    assert max(waits) <= 40.0 + SPREAD_SECONDS_MAX


@pytest.mark.parametrize("seconds", [60.1, 0.0, -1.0])
async def test_what_is_beyond_the_limit_is_not_held(seconds: float) -> None:
    workers = Workers()
    await admission(workers).hold("m", seconds)
    assert workers.holds == {}


async def test_a_hold_is_at_least_a_millisecond() -> None:
    workers = Workers()
    await admission(workers).hold("m", 0.0001)
    assert workers.holds == {"m": 1}


@pytest.mark.parametrize("error", [RedisConnectionError(), ResponseError("OOM"), TimeoutError()])
async def test_where_redis_does_not_tell_nobody_waits(error: Exception) -> None:
    await admission(Workers(error)).hold("m", 1.0)
    assert await admission(Workers(error)).wait("m") == 0.0
