"""What a front shows of the queue."""

from __future__ import annotations

import time

import pytest

from app.stream.workers.standing import Standing
from app.watch.metrics.parts.queue_metrics import FRESH_SECONDS, QueueMetrics
from app.watch.metrics.table import Of
from tests.app.watch.metrics.made import STANDING, metrics_of, shown


async def test_what_redis_said_too_long_ago_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Standing | Exception] = [STANDING, OSError("away"), OSError("away")]

    async def look() -> Standing:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    queue, metrics = QueueMetrics(look), metrics_of(Of.FRONT)
    metrics.samples(queue.counted)
    assert "waiting" not in shown(metrics)
    await queue.look()
    found = shown(metrics)
    assert (found["waiting"], found["oldest_waiting_seconds"], found["leases"], found["workers"]) == (3, 1.5, 2, 1)
    assert (found["redis_used_bytes"], found["redis_max_bytes"]) == (1000, 2000)
    await queue.look()
    assert shown(metrics)["waiting"] == 3
    now = time.monotonic()
    monkeypatch.setattr("app.watch.metrics.parts.queue_metrics.time.monotonic", lambda: now + FRESH_SECONDS + 1)
    assert "waiting" not in shown(metrics)
