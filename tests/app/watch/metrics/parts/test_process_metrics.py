"""What both kinds of processes count."""

from __future__ import annotations

import pytest

from app.stream.observing import RedisRefused, TaskFell
from app.watch.events import of_processes
from app.watch.metrics.table import Of
from tests.app.watch.metrics.made import after


@pytest.mark.parametrize("of", [Of.FRONT, Of.WORKER])
def test_troubles_of_a_process_are_counted(of: Of) -> None:
    found = after(
        of,
        RedisRefused("beat", "refuses for now", "OOM", "", ""),
        RedisRefused("beat", "refuses for now", "OOM", "", "", again=True),
        RedisRefused("beat", "nobody knows", "X", "", ""),
        TaskFell("accord", "ValueError"),
        of_processes.Fault("sweep", "KeyError", "there"),
        of_processes.SpansLost(512),
        of_processes.SpansLost(3),
    )
    assert found["spans_lost_total"] == 515
    assert found["redis_errors_total{kind=refuses for now}"] == found["redis_errors_total{kind=other}"] == 1
    assert found["task_falls_total{task=accord}"] == 1
    assert found["faults_total{doing=sweep}"] == 1
    assert found["build_info{version=0.1.0}"] == 1
