from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from redis.exceptions import BusyLoadingError, NoPermissionError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker.life import until_answered as asking
from worker.life.interrupt import Interrupt, Interruption, Why
from worker.life.until_answered import until_answered

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
    monkeypatch.setattr(asking, "AWAY_SECONDS", 0.001)
    monkeypatch.setattr(asking, "AWAY_SECONDS_MAX", 0.002)


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
    assert await until_answered(Interrupt(), asked) == 7
    assert asked.times == 3 * len(PASSING) + 1


@pytest.mark.parametrize("error", [ResponseError("WRONGTYPE"), KeyError()])
async def test_what_does_not_pass_is_raised(error: Exception) -> None:
    asked = Asked([error])
    with pytest.raises(type(error)):
        await until_answered(Interrupt(), asked)
    assert asked.times == 1


async def test_only_a_stream_that_is_left_stops_asking() -> None:
    interrupt = Interrupt()
    interrupt.stop(Why.CANCELLED)
    assert await until_answered(interrupt, Asked(PASSING)) == 7
    asyncio.get_running_loop().call_later(0.02, interrupt.stop, Why.LEFT)
    with pytest.raises(Interruption):
        await until_answered(interrupt, Asked(PASSING * 10_000))
