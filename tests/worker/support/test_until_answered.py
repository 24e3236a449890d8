from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from redis.exceptions import BusyLoadingError, NoPermissionError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.stream.redis.refusals import Teller
from worker.support import until_answered
from worker.support.interrupt import Interrupt, Interruption, Why
from worker.support.until_answered import for_ever, patiently

OUT_OF_MEMORY = ResponseError("OOM command not allowed when used memory > 'maxmemory'.")
NO_DISK = ResponseError("MISCONF Errors writing to the AOF file: No space left on device")
NO_REPLICA = ResponseError("NOREPLICAS Not enough good replicas to write.")
PASSING = [
    RedisConnectionError(),
    RedisTimeoutError(),
    BusyLoadingError(),
    ConnectionResetError(),
    OUT_OF_MEMORY,
    NO_DISK,
    NO_REPLICA,
    ReadOnlyError("You can't write against a read only replica."),
    NoPermissionError("User u has no permissions to run the 'incr' command"),
    OutOfMemoryError("Command # 2 (INCRBY b 1) of pipeline caused error: ('command not allowed when …',)"),
]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(until_answered, "AWAY_SECONDS", 0.001)
    monkeypatch.setattr(until_answered, "AWAY_SECONDS_MAX", 0.002)
    monkeypatch.setattr(until_answered, "_teller", Teller(until_answered.logger))


class Asked:
    """Answers 7 once it has raised all of these."""

    def __init__(self, errors: Iterable[BaseException]) -> None:
        self._errors = list(errors)
        self.times = 0

    async def __call__(self) -> int:
        self.times += 1
        if self._errors:
            raise self._errors.pop(0)
        return 7


async def test_an_outage_is_waited_out() -> None:
    asked = Asked(PASSING * 3)
    assert await patiently(Interrupt(), asked) == 7
    assert asked.times == 3 * len(PASSING) + 1


@pytest.mark.parametrize("error", [ResponseError("WRONGTYPE"), KeyError()])
async def test_what_does_not_pass_is_raised(error: Exception) -> None:
    asked = Asked([error])
    with pytest.raises(type(error)):
        await patiently(Interrupt(), asked)
    assert asked.times == 1


async def test_only_a_stream_that_is_left_stops_asking() -> None:
    interrupt = Interrupt()
    interrupt.stop(Why.CANCELLED)
    assert await patiently(interrupt, Asked(PASSING)) == 7
    asyncio.get_running_loop().call_later(0.02, interrupt.stop, Why.LEFT)
    with pytest.raises(Interruption):
        await patiently(interrupt, Asked(PASSING * 10_000))


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

    await for_ever("a loop", work)
    assert times == 4
    assert "KeyError" in caplog.text
    assert "secret" not in caplog.text


async def test_an_outage_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    asked = Asked([RedisConnectionError()] * 20)

    async def work() -> None:
        await asked()

    await for_ever("a loop", work)
    assert len(caplog.records) == 1


async def test_a_loop_can_be_cancelled() -> None:
    task = asyncio.create_task(for_ever("a loop", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
