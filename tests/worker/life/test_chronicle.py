from __future__ import annotations

import pytest

from app.stream.endings import Outcome
from app.stream.log import Begun, Claim, Status
from app.stream.observing import Event
from app.watch.events.of_streams import Claimed, Ended, FirstContent, Retried, TakenOver, TakeOver
from tests.harness.heard import heard
from worker.life.checkpoint import checkpoint_of
from worker.life.chronicle import Chronicle
from worker.life.decide import End, Retry

MADE_AT = 10_000
FOUND_AT = 13_000


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def chronicle(clock: Clock, claim: Claim, **meta: str) -> Chronicle:
    fields = {"owner": "me", "model": "m", "created_at": str(MADE_AT), "client_request_id": "theirs", **meta}
    begun = Begun(Status.OK, FOUND_AT, 0, None, {name: value.encode() for name, value in fields.items()})
    found = checkpoint_of(begun)
    made = Chronicle(claim, found, clock)
    made.claimed(claim, found)
    return made


@pytest.mark.parametrize(
    ("claim", "meta", "cause"),
    [
        (Claim("st_1", 1, "w/1"), {}, None),
        (Claim("st_1", 1, "w/1", 2), {"attempt": "1"}, TakeOver.LOST),
        (Claim("st_1", 1, "w/1", 2, stalled=True), {"attempt": "1"}, TakeOver.STALLED),
        (Claim("st_1", 1, "w/1", 1), {"attempt": "1", "handed_over": "1"}, TakeOver.DRAINED),
        (Claim("st_1", 1, "w/1", 1), {"held": "1"}, None),
    ],
)
def test_a_take_over_says_what_became_of_the_last_worker(claim: Claim, meta: dict[str, str], cause: str | None) -> None:
    with heard() as events:
        chronicle(Clock(), claim, **meta)
    first, *more = events
    assert isinstance(first, Claimed)
    assert (first.of.owner, first.of.client_request_id, first.waited_seconds) == ("me", "theirs", 3.0)
    assert [event.cause for event in more if isinstance(event, TakenOver)] == ([] if cause is None else [cause])


def last(events: list[Event]) -> Event:
    return events[-1]


def test_times_are_counted_from_what_they_are_called_after() -> None:
    clock = Clock()
    with heard() as events:
        life = chronicle(clock, Claim("st_1", 1, "w/1"))
        clock.now += 1
        life.call_started(1)
        clock.now += 2
        life.call_ended(429, "rate_limit_error", "req_1")
        life.call_started(1)  # the refused one was none
        clock.now += 4
        life.first_content()
        assert last(events) == FirstContent(life.of, 1, "m", 10.0, 7.0, 4.0)
        clock.now += 8
        life.call_ended(200, "", "req_2")
        life.ended(End(Outcome.COMPLETED), 1, "end_turn", {"output_tokens": 5, "input_tokens": "odd"}, None)
    ended = last(events)
    assert isinstance(ended, Ended)
    assert (ended.waited_seconds, ended.first_content_seconds, ended.writing_seconds, ended.seconds) == (4, 10, 8, 18)
    assert (ended.output_tokens, ended.input_tokens, ended.cost_usd) == (5, None, None)


def test_another_call_says_what_the_last_one_came_to() -> None:
    with heard() as events:
        life = chronicle(Clock(), Claim("st_1", 1, "w/1"))
        life.call_started(1)
        life.call_ended(529, "overloaded_error", "")
        life.goes_on(2, Retry("overloaded_error", 0.5))
    assert last(events) == Retried(life.of, 2, "overloaded_error", 0.5, 529)


def test_of_what_was_not_seen_here_no_time_is_told() -> None:
    with heard() as events:
        life = chronicle(Clock(), Claim("st_1", 1, "w/1"), attempt="2")
        life.ended(End(Outcome.CANCELLED), 2, None, {}, None)
    ended = last(events)
    assert isinstance(ended, Ended)
    assert (ended.waited_seconds, ended.first_content_seconds, ended.writing_seconds) == (None, None, None)
