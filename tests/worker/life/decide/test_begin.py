"""What a new holder does with what it finds."""

from __future__ import annotations

import pytest

from app.stream.endings import Outcome
from tests.worker.life.decide.asking import ALLOWED, begin, progress
from worker.life.decide import Progress
from worker.life.steps import End, Restart, Retry, Start


def test_a_new_stream_starts() -> None:
    assert begin(progress(0)) == Start()


@pytest.mark.parametrize("reason", ["worker_lost", "worker_drained", "log_lost"])
def test_a_take_over_before_content_retries_at_once(reason: str) -> None:
    assert begin(progress(1), times=2, reason=reason) == Retry(reason, 0.0)


@pytest.mark.parametrize(("left_over", "waits"), [(0.0, 0.0), (7.5, 7.5), (1e9, ALLOWED.wait_max + 1)])
def test_a_take_over_in_the_middle_of_a_wait_waits_for_the_rest_and_never_for_ever(
    left_over: float, waits: float
) -> None:
    retry = begin(progress(1), times=2, wait=left_over)
    assert retry == Retry("worker_lost", waits)


def test_a_take_over_after_content_restarts_from_scratch() -> None:
    assert begin(progress(1, content=True), times=2) == Restart("worker_lost", 0.0)


def test_a_take_over_after_content_fails_where_the_stream_wants_it_so() -> None:
    end = begin(progress(1, content=True, on_interrupt="fail"), times=2)
    assert isinstance(end, End)
    assert (end.outcome, end.failure) == (Outcome.FAILED, None)
    assert end.error is not None
    assert end.error.type == "api_error"


def test_a_take_over_before_content_retries_also_where_interruption_fails() -> None:
    assert begin(progress(1, on_interrupt="fail"), times=2) == Retry("worker_lost", 0.0)


@pytest.mark.parametrize(
    ("found", "times"),
    [
        (progress(3), 4),  # three calls, each with its worker
        (progress(3), 1),
        (progress(0), 4),  # killed its worker before it ever called
        (progress(3, content=True), 4),
        (progress(5, free=2), 4),
    ],
)
def test_a_stream_that_used_up_its_attempts_fails(found: Progress, times: int) -> None:
    end = begin(found, times=times)
    assert isinstance(end, End)
    assert (end.outcome, end.exhausted) == (Outcome.FAILED, True)


@pytest.mark.parametrize(("found", "times"), [(progress(2), 3), (progress(4, free=2), 3), (progress(9, free=9), 1)])
def test_calls_that_a_draining_worker_handed_over_do_not_count(found: Progress, times: int) -> None:
    assert begin(found, times=times) == Retry("worker_lost", 0.0)


@pytest.mark.parametrize("found", [progress(0), progress(3), progress(1, content=True, on_interrupt="fail")])
def test_a_cancellation_comes_before_everything(found: Progress) -> None:
    assert begin(found, times=9, elapsed=9e9, cancelled=True) == End(Outcome.CANCELLED)


@pytest.mark.parametrize("found", [progress(0), progress(2), progress(1, content=True)])
def test_a_stream_expires_wherever_it_waited(found: Progress) -> None:
    end = begin(found, elapsed=1800.0)
    assert isinstance(end, End)
    assert end.outcome is Outcome.EXPIRED
    assert end.error is not None
    assert end.error.type == "timeout_error"
    assert not isinstance(begin(found, elapsed=1799.9), End)
