from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.stream.observing import Event, RedisBack, RedisRefused, TaskFell
from app.watch.events import of_fronts, of_processes, of_streams
from app.watch.events.subjects import Subject, request_ids
from app.watch.logs import observer
from app.watch.logs.lines import DEBUG, ERROR, INFO, WARNING
from app.watch.logs.observer import LogObserver
from tests.app.watch.logs.collected import Collected
from tests.app.watch.vocabulary import example, kinds

OF = Subject("st_1", "me", client_request_id="theirs")
CLAIMED = of_streams.Claimed(OF, 0, "claude", 0.1, 1, from_gate=False)


@pytest.fixture
def in_a_request() -> Iterator[None]:
    token = request_ids.set(("req_1", "theirs"))
    yield
    request_ids.reset(token)


@pytest.mark.parametrize("kind", kinds())
def test_each_event_is_a_line(kind: type[Event]) -> None:
    log = Collected()
    LogObserver(log).told(RedisRefused("claims", "away", "E", "E", "E"))
    LogObserver(log).told(example(kind))
    assert len(log.lines) == 2 if kind is not RedisBack else len(log.lines) == 1


def test_what_is_not_loud_enough_is_not_said() -> None:
    log = Collected(WARNING)
    watching = LogObserver(log)
    for event in (
        of_fronts.ReaderJoined(OF, "native", resumed=False, readers=1),
        of_streams.Submitted(OF, "claude", 0.1, repeated=False),
        TaskFell("sweep", "KeyError"),
    ):
        watching.told(event)
    assert [(level, name) for level, name, _ in log.lines] == [(ERROR, "task.fell")]


def test_readers_come_and_go_unheard() -> None:
    log = Collected(INFO)
    for event in (
        of_fronts.ReaderJoined(OF, "native", resumed=False, readers=1),
        of_fronts.ReaderLeft(OF, "native", "ended", 1.0, 0, resumed=False),
        of_fronts.TailRepaired(OF, "opened", 1, 0.1),
        of_fronts.RequestServed(Subject("st_1"), "GET", "/v1", 200, 0.1),
    ):
        LogObserver(log).told(event)
    assert log.lines == []
    log.least = DEBUG
    LogObserver(log).told(of_fronts.ReaderLeft(OF, "native", "ended", 1.0, 0, resumed=False))
    assert log.names == ["reader.left"]


def test_a_worker_s_lines_have_what_was_told_of_a_stream_when_it_was_claimed() -> None:
    log = Collected()
    watching = LogObserver(log)
    fault = of_processes.Fault("appends", "KeyError", "f (a.py:1)", Subject("st_1"))
    for event in (CLAIMED, fault, of_streams.LeaseLost(Subject("st_1"), ""), fault):
        watching.told(event)
    assert [fields.get("owner") for _, _, fields in log.lines] == ["me", "me", "me", None]
    assert [fields.get("client_request_id") for _, _, fields in log.lines] == ["theirs", "theirs", "theirs", None]


def test_no_more_streams_are_remembered_than_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "SUBJECTS_MAX", 2)
    log = Collected()
    watching = LogObserver(log)
    for number in range(3):
        watching.told(of_streams.Claimed(Subject(f"st_{number}", "me"), 0, "claude", 0.1, 1, from_gate=False))
    for number in range(3):
        watching.told(of_streams.EndingUnwritten(Subject(f"st_{number}")))
    assert [fields.get("owner") for _, _, fields in log.lines[3:]] == [None, "me", "me"]


@pytest.mark.usefixtures("in_a_request")
def test_what_is_told_within_a_request_has_its_ids() -> None:
    log = Collected()
    LogObserver(log).told(of_fronts.CallerRefused("unknown_key"))
    LogObserver(log).told(of_streams.Submitted(Subject("st_2", "me", "req_2"), "claude", 0.1, repeated=False))
    assert [fields["request_id"] for _, _, fields in log.lines] == ["req_1", "req_2"]
    assert log.lines[0][2]["client_request_id"] == "theirs"


def test_an_outage_is_one_line() -> None:
    log = Collected()
    watching = LogObserver(log)
    for asker in ("claims", "leases", "commit"):
        watching.told(RedisRefused(asker, "away", "ConnectionError", "Connection refused", "ConnectionError"))
    watching.told(RedisBack(2.0))
    assert [(level, name) for level, name, _ in log.lines] == [(WARNING, "redis.away"), (INFO, "redis.back")]


def test_what_has_no_name_yet_is_told_at_debug() -> None:
    @dataclass(frozen=True, slots=True)
    class New(Event):
        what: str

    log = Collected()
    LogObserver(log).told(New("x"))
    assert log.lines == [(DEBUG, "process.told", {"what": "x"})]
