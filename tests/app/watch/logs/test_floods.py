"""What anybody can have written by asking is bounded, what is left out is said, and nothing else is left out."""

from __future__ import annotations

import pytest

from app.stream.observing import Event, TaskFell
from app.watch.events import of_fronts
from app.watch.events.subjects import Subject
from app.watch.logs import floods
from app.watch.logs.floods import A_SECOND, AT_ONCE, FOR_THE_ASKING, SHORTENED
from app.watch.logs.lines import DEBUG, INFO, WARNING
from app.watch.logs.observer import LogObserver
from tests.app.watch.logs.collected import Collected
from tests.app.watch.vocabulary import example

REFUSED = of_fronts.RequestServed(Subject(), "GET", "", 404, 0.1, "not_found_error")
CALLER = of_fronts.CallerRefused("unknown_key")


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(floods, "time", clock)
    return clock


def test_of_what_anybody_can_cause_so_many_are_said(clock: Time) -> None:
    log = Collected(INFO)
    watching = LogObserver(log)
    for _ in range(10_000):
        watching.told(REFUSED)
        watching.told(CALLER)
    assert log.names.count("request.refused") == AT_ONCE
    assert log.names.count("caller.refused") == AT_ONCE
    log.lines.clear()
    clock.now += 2.0
    for _ in range(10_000):
        watching.told(REFUSED)
    assert log.names.count("request.refused") == 2 * A_SECOND


@pytest.mark.parametrize("kind", FOR_THE_ASKING)
def test_so_it_is_with_each_of_them(kind: type[Event], clock: Time) -> None:  # noqa: ARG001  # which stands
    log = Collected(INFO)
    watching, event = LogObserver(log), example(kind)
    for _ in range(AT_ONCE + 10):
        watching.told(event)
    assert len([name for name in log.names if name != SHORTENED]) in (0, AT_ONCE)  # none where it is `debug`


def test_what_was_left_out_is_said_with_the_next_line_and_once_a_second(clock: Time) -> None:
    log = Collected(INFO)
    watching = LogObserver(log)
    for _ in range(AT_ONCE + 5):
        watching.told(REFUSED)
    log.lines.clear()
    watching.told(TaskFell("sweep", "KeyError"))
    assert log.names == ["task.fell", SHORTENED]
    assert log.lines[1][0] == WARNING
    assert {"what": "request.refused", "lines": 5}.items() <= log.lines[1][2].items()
    watching.told(REFUSED)
    watching.told(TaskFell("sweep", "KeyError"))
    assert log.names[2:] == ["task.fell"]
    clock.now += 1.0
    watching.told(TaskFell("sweep", "KeyError"))
    assert log.lines[-1][2]["lines"] == 1


def test_what_nobody_can_cause_and_what_is_asked_for_is_said_each_time() -> None:
    log = Collected(DEBUG)
    watching = LogObserver(log)
    served = of_fronts.RequestServed(Subject(), "GET", "/v1", 200, 0.1)
    for _ in range(AT_ONCE + 1):
        watching.told(TaskFell("sweep", "KeyError"))
        watching.told(served)
    assert log.names.count("task.fell") == log.names.count("request.served") == AT_ONCE + 1
