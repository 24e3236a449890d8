"""What a reading does next, as a table: no clock, no connection."""

from __future__ import annotations

import pytest

from app.clients.python.keepstream import End, Event, GoneError, NotFoundError, Reset, UnreachableError
from app.clients.python.keepstream.core import resuming
from app.clients.python.keepstream.core.resuming import Reading, Submitting, back_off
from app.clients.python.keepstream.errors import refused

AWAY = UnreachableError("away")
DELTA = Event("content_block_delta", {}, "2")


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (DELTA, "2"),
        (Event("relay.status", {"state": "queued"}), "1"),  # not of the log
        (Reset("relay.reset", {"attempt": 2}, "3"), "3"),  # the log's
        (Reset("relay.reset", {"attempt": 1}), ""),  # a front's: the place is void
    ],
)
def test_the_place_is_behind_what_was_handed_out(event: Event, place: str) -> None:
    reading = Reading("1")
    reading.take(event)
    assert (reading.last_id, reading.over, reading.end) == (place, False, None)
    assert reading.headers().get("last-event-id") == (place or None)


def test_the_ending_is_the_last() -> None:
    reading, end = Reading(), End("relay.end", {"outcome": "completed"}, "4")
    reading.take(end)
    assert (reading.over, reading.end, reading.last_id) == (True, end, "4")


def test_only_one_answer_has_nothing_left() -> None:
    assert not Reading("1").nothing_is_left(200)
    assert Reading("1").nothing_is_left(204)


def test_one_comes_back_when_the_server_says() -> None:
    reading = Reading()
    assert reading.cut() == resuming.RETRY_SECONDS
    reading.wants(2500)
    assert reading.cut() == 2.5
    reading.wants(-1)
    assert reading.cut() == 0


def test_failures_in_a_row_are_waited_for_ever_longer_and_never_too_long() -> None:
    reading = Reading()
    waits = [reading.failed(AWAY) for _ in range(40)]
    for tries, wait in enumerate(waits):
        longest = min(resuming.RETRY_SECONDS_MAX, 2.0**tries)
        assert longest / 2 <= wait <= longest
    reading.take(DELTA)
    assert reading.failed(AWAY) <= resuming.RETRY_SECONDS


def test_a_board_is_waited_for_by_somebody_who_looks() -> None:
    reading = Reading.of_board()
    assert max(reading.failed(AWAY) for _ in range(20)) <= resuming.BOARD_RETRY_SECONDS_MAX
    assert reading.failed(refused(503, "api_error", "busy", retry_after=9)) == 9


def test_what_is_final_ends_it() -> None:
    with pytest.raises(NotFoundError):
        Reading().failed(refused(404, "not_found_error", "no"))
    with pytest.raises(GoneError, match="lost"):
        Reading().check(Reset("relay.reset", {"attempt": 1, "reason": "lost"}))
    Reading().check(Reset("relay.reset", {"attempt": 1, "reason": "worker_lost"}, "1"))


def test_a_submit_is_one_however_often_it_is_tried() -> None:
    assert Submitting.under(None).key != Submitting.under(None).key
    submitting = Submitting.under("mine")
    for _ in range(resuming.SUBMIT_TRIES - 1):
        assert submitting.failed(AWAY) > 0
    with pytest.raises(UnreachableError):
        submitting.failed(AWAY)
    with pytest.raises(NotFoundError):
        Submitting.under(None).failed(refused(404, "not_found_error", "no"))


def test_one_never_comes_back_before_the_server_said() -> None:
    assert back_off(1.0, 1, refused(503, "api_error", "busy", retry_after=100)) == 100
