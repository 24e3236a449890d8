from __future__ import annotations

import logging

import pytest

from app.stream.observing import Event, RedisRefused, TaskFell
from app.watch.events import of_fronts, of_processes, of_streams
from app.watch.events.subjects import Subject
from app.watch.log_observer import SAID_AGAIN_SECONDS, LogObserver
from tests.app.watch.vocabulary import example, kinds

OF = Subject("st_1")
ENDED = of_streams.Ended(OF, "claude", "completed", "", "", "end_turn", 1)
FAILED = of_streams.Ended(OF, "claude", "failed", "api_error", "overloaded_error, status 529", "", 5)
AWAY = RedisRefused("claims", "away", "ConnectionResetError", "ConnectionResetError", "ConnectionResetError")
ELSEWHERE = RedisRefused("claims", "elsewhere", "READONLY", "READONLY read only", "ReadOnlyError")

BUG = RedisRefused("claims", "bug", "ERR", "ERR", "ResponseError")


@pytest.mark.parametrize("kind", kinds())
def test_each_event_can_be_a_line(kind: type[Event], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    LogObserver().told(example(kind))
    (line,) = caplog.messages
    assert line
    assert "<" not in line


@pytest.mark.parametrize(
    ("event", "level", "line"),
    [
        (ENDED, "INFO", "st_1: completed, 1 attempts"),
        (FAILED, "WARNING", "st_1: failed, 5 attempts: overloaded_error, status 529"),
        (of_processes.KeysReloaded("taken", 2), "INFO", "the file of keys has changed: 2 keys are in force"),
        (of_processes.KeysReloaded("taken", 0), "ERROR", "the file of keys names none: nobody is let in"),
        (
            of_processes.KeysReloaded("malformed", 2, "line 1 is none"),
            "ERROR",
            "line 1 is none: the 2 keys from before stay in force",
        ),
        (of_processes.TokenKeysReloaded("taken", 2), "INFO", "tokens are checked with 2 keys"),
        (
            of_processes.TokenKeysReloaded("unreadable", 0, "idp: no answer"),
            "ERROR",
            "the keys of tokens: idp: no answer: no token is known until they are had",
        ),
        (
            of_processes.TokenKeysReloaded("unreadable", 2, "idp: no answer"),
            "ERROR",
            "the keys of tokens: idp: no answer: the 2 keys from before stay in force",
        ),
        (
            of_processes.LimitsReloaded("taken", 2),
            "INFO",
            "the file of limits has changed: what it says of 2 owners and of others is in force",
        ),
        (
            of_processes.LimitsReloaded("malformed", 2, "[user] rpm: unknown"),
            "ERROR",
            "[user] rpm: unknown: the limits from before stay in force",
        ),
        (ELSEWHERE, "WARNING", "claims: Redis: READONLY read only (elsewhere, ReadOnlyError)"),
        (
            RedisRefused("claims", "bug", "ERR", "ERR", "ResponseError"),
            "ERROR",
            "claims: Redis: ERR (bug, ResponseError)",
        ),
        (TaskFell("sweep", "KeyError"), "ERROR", "sweep: fell (KeyError), starts again"),
        (of_streams.LeaseLost(OF, ""), "INFO", "st_1: left (its lease is lost)"),
        (of_streams.CancelAsked(OF, of_streams.UNREAD), "INFO", "st_1: nobody reads it"),
        (of_processes.Fault("gate", "KeyError", "f (a.py:1)"), "ERROR", "gate: KeyError in f (a.py:1)"),
        (of_processes.Fault("stream", "KeyError", "f (a.py:1)", OF), "ERROR", "stream: st_1: KeyError in f (a.py:1)"),
        (of_processes.Draining(streams=3), "INFO", "draining 3 streams"),
        (of_processes.Draining(readers=0), "INFO", "draining 0 readers"),
        (of_fronts.WorkUndone("late", ""), "ERROR", "late: left undone, too much is owed already"),
        (of_fronts.RequestServed(Subject(client_request_id="x"), "GET", "/v1", 200, 0.1), "INFO", "GET /v1: 200"),
    ],
)
def test_a_line_says(event: Event, level: str, line: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    LogObserver().told(event)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [(level, line)]


@pytest.mark.parametrize(
    "event",
    [
        of_streams.CancelAsked(OF, "client"),
        of_streams.AppendRefused(OF, "fenced"),
        of_fronts.ReaderJoined(OF, face="native", resumed=True, readers=1),
        of_fronts.RequestServed(OF, "GET", "/v1", 200, 0.1),
    ],
)
def test_what_is_usual_is_told_to_who_looks_closely_alone(event: Event, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    LogObserver().told(event)
    assert caplog.messages == []


def test_a_refusal_is_said_at_once_and_then_now_and_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, now = LogObserver(), 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    for _ in range(100):
        log.told(ELSEWHERE)
    assert len(caplog.messages) == 1
    log.told(AWAY)
    log.told(RedisRefused("leases", "away", "ConnectionResetError", "gone", "ConnectionResetError"))
    assert len(caplog.messages) == 3
    now += SAID_AGAIN_SECONDS
    log.told(AWAY)
    log.told(AWAY)
    assert len(caplog.messages) == 4
