"""What happened, in words that a person understands."""

from __future__ import annotations

from typing import Any

import pytest

from app.stream.timeline.entries import Entry
from app.watch.events.of_streams import CLIENT, OPERATOR, UNREAD, TakeOver
from app.watch.timeline.sentences import OF_CALLS, lasted, of_readers, sentence
from worker.life.decide import Reason
from worker.life.interrupt import Why
from worker.upstream import failure


@pytest.mark.parametrize(
    ("event", "fields", "said"),
    [
        ("stream.submitted", {}, "submitted"),
        ("stream.submitted", {"waiting": 0}, "submitted; nobody else waited"),
        ("stream.submitted", {"waiting": 3}, "submitted; 3 others waited"),
        ("stream.claimed", {"worker": "a1", "times": 1}, "claimed by worker a1 after 0.4 s"),
        ("stream.claimed", {"worker": "a1", "times": 3}, "claimed by worker a1 after 0.4 s, the 3rd to have it"),
        (
            "stream.taken_over",
            {"cause": "worker_lost", "attempt": 0, "content": False},
            "taken over: the worker that had it was lost; no call had been begun",
        ),
        (
            "stream.held",
            {"seconds": 12.0, "parked": True},
            "held in the line for 12 s: the limits of the Claude API let no call be made",
        ),
        ("call.started", {"attempt": 1, "model": "claude"}, "call 1 begins (claude)"),
        ("stream.first_content", {"attempt": 1, "since_call_seconds": 1.23}, "first content, 1.2 s after call 1 began"),
        ("stream.silent", {"seconds": 75.0}, "silent for 1 min 15 s: the Claude API sent nothing but pings"),
        ("call.ended", {"attempt": 1, "status": 200, "seconds": 3.0}, "call 1 is complete after 3.0 s"),
        (
            "call.ended",
            {
                "attempt": 2,
                "status": 529,
                "reason": "overloaded_error",
                "seconds": 0.02,
                "upstream_request_id": "req_1",
            },
            "call 2 failed after 20 ms: the Claude API is overloaded (529 overloaded_error), request id req_1",
        ),
        (
            "call.ended",
            {"attempt": 1, "status": 429, "reason": "rate_limit_error", "seconds": 0.5},
            "call 1 was refused after 0.5 s: the limit of the Claude API is reached (429 rate_limit_error)",
        ),
        (
            "call.ended",
            {"attempt": 1, "status": 502, "reason": "incomplete", "seconds": 1.0},
            "call 1 failed after 1.0 s: the Claude API ended its answer before it was complete (incomplete)",
        ),
        (
            "call.ended",
            {"attempt": 1, "status": 0, "reason": "drained", "seconds": 1.0},
            "call 1 was cut after 1.0 s: the worker is shutting down",
        ),
        (
            "call.retried",
            {"attempt": 2, "reason": "overloaded_error", "wait_seconds": 0.5},
            "call 2 follows in 0.5 s: the Claude API is overloaded",
        ),
        (
            "stream.restarted",
            {"attempt": 2, "reason": "log_lost", "wait_seconds": 0.0},
            "begins again from scratch with call 2, and readers forget what they have: its log was lost",
        ),
        ("tool.decided", {"approved": True}, "a person approves a call of a tool"),
        ("tool.decided", {"approved": False}, "a person refuses a call of a tool"),
        ("stream.waits_for_person", {}, "waits until a person says whether a tool may be called"),
        ("tool.ran", {"tool": "clock", "seconds": 0.2, "failed": True}, "tool clock failed in 0.2 s"),
        ("stream.cancel_asked", {"by": "unread"}, "nobody reads it any more: it is to be cancelled"),
        (
            "stream.ended",
            {"outcome": "completed", "stop_reason": "end_turn", "attempts": 2, "output_tokens": 9, "cost_usd": 0.5},
            "completed after 0.4 s (end_turn): 2 calls, 9 tokens of output, $0.5000",
        ),
        ("of.a_later_version", {"x": 1}, "of a later version"),
    ],
)
def test_each_entry_is_a_sentence(event: str, fields: dict[str, Any], said: str) -> None:
    assert sentence(Entry(0, event, fields), 0.4) == said


def test_an_entry_that_lacks_everything_is_one_too() -> None:
    for event in ("stream.claimed", "stream.taken_over", "stream.held", "call.started", "call.ended", "stream.ended"):
        assert sentence(Entry(0, event, {}), 0.0)


def test_there_are_words_for_why_a_call_or_a_stream_begins_again() -> None:
    failures = {value.reason for value in vars(failure).values() if isinstance(value, failure.Failure)}
    given_up = {why.name.lower() for why in Why}
    assert failures | given_up | set(failure._STATUS_OF_TYPE) - {"authentication_error", "permission_error"} <= set(
        OF_CALLS
    )
    for reason in Reason:
        said = sentence(Entry(0, "call.retried", {"attempt": 2, "reason": reason}), 0.0)
        assert reason.value not in said.split(" ")[4:] or reason is Reason.HELD


def test_there_are_words_for_each_way_to_another_worker_and_for_each_who_cancels() -> None:
    for cause in TakeOver:
        assert cause.value not in sentence(Entry(0, "stream.taken_over", {"cause": cause.value, "attempt": 1}), 0.0)
    said = {sentence(Entry(0, "stream.cancel_asked", {"by": by}), 0.0) for by in (CLIENT, UNREAD, OPERATOR)}
    assert len(said | {sentence(Entry(0, "stream.cancel_asked", {}), 0.0)}) == 4


@pytest.mark.parametrize(
    ("counts", "came", "left"),
    [
        ({"came": 1}, "1 reader came", ""),
        ({"came": 12, "left": 11}, "12 readers came", "11 readers left before its end"),
        ({"came": 2, "resumed": 1}, "2 readers came, 1 came back", ""),
        ({"resumed": 1}, "1 reader came back", ""),
        ({"ended": 1, "left": 2}, "", "3 readers left: 1 with all of it, 2 before its end"),
        ({"reset": 2}, "", ""),
    ],
)
def test_readers_are_told_by_their_number(counts: dict[str, int], came: str, left: str) -> None:
    assert of_readers(counts) == (came, left)


def test_times_are_said_as_people_say_them() -> None:
    assert [lasted(one) for one in (0.004, 0.42, 9.94, 42.4, 60, 3599.7)] == [
        *("4 ms", "0.4 s", "9.9 s", "42 s", "1 min", "60 min")
    ]
