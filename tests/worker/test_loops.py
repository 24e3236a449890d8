from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from worker import loops
from worker.loops import for_ever


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(loops, "PAUSE_SECONDS_MAX", 0.002)


async def test_a_loop_goes_on_whatever_it_meets_and_tells_no_text(caplog: pytest.LogCaptureFixture) -> None:
    times = 0

    async def work() -> None:
        nonlocal times
        times += 1
        match times:
            case 1:
                raise ResponseError("Command # 1 (SET a secret) of pipeline caused error: ('OOM no room',)")
            case 2:
                raise KeyError("secret")
            case 3:
                raise ResponseError("secret")
            case 4:
                raise asyncio.CancelledError("secret")  # of something it waited for

    await for_ever("a loop", work)
    assert times == 5
    assert "KeyError" in caplog.text
    assert "secret" not in caplog.text


async def test_an_outage_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    times = 0

    async def work() -> None:
        nonlocal times
        times += 1
        if times <= 20:
            raise RedisConnectionError

    await for_ever("a loop", work)
    assert len(caplog.records) == 1


async def test_a_loop_can_be_cancelled() -> None:
    task = asyncio.create_task(for_ever("a loop", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
