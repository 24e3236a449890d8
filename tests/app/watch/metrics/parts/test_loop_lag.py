from __future__ import annotations

import time

import pytest

from app.watch.metrics.parts import loop_lag
from app.watch.metrics.parts.loop_lag import LoopLag
from tests.app.served import until


async def test_a_loop_that_stands_still_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "LOOK_SECONDS", 0.01)
    lag = LoopLag()
    lag.start()
    await until(lambda: lag.seconds.count)
    before = lag.seconds.sum
    time.sleep(0.1)  # noqa: ASYNC251  # which is what is to be seen
    seen = lag.seconds.count
    await until(lambda: lag.seconds.count > seen)
    assert lag.seconds.sum - before >= 0.08
    lag.stop()
    assert lag._timer is not None
    assert lag._timer.cancelled()
