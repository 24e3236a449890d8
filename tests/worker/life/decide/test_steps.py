"""Every row of the table that decides how often the upstream is called."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream.endings import Outcome
from app.stream.stages import NoWayError, Stage, Tells
from tests.worker.life.decide.asking import ALLOWED, INVALID, OVERLOADED, begin, calling, failures, progress
from worker.life import decide
from worker.life.decide import Allowance, OnInterrupt, Progress
from worker.life.steps import BeginAgain, End, Error, HandOver, Park, Refused, Restart, Retry, Start, Step
from worker.upstream.failure import GARBLED, INCOMPLETE, LOST, STALLED, UNREACHABLE, Failure

# --- a failed call


def after(found: Progress, failure: Failure, jitter: float = 0.0, allowed: Allowance = ALLOWED) -> Step:
    return decide.on_failure(calling(found), found, allowed, failure, jitter).step


@pytest.mark.parametrize("failure", [OVERLOADED, LOST, STALLED, INCOMPLETE, GARBLED, UNREACHABLE])
def test_a_passing_failure_before_content_is_retried(failure: Failure) -> None:
    assert after(progress(1), failure) == Retry(failure.reason, 0.5)
    assert after(progress(1, on_interrupt="fail"), failure) == Retry(failure.reason, 0.5)


@pytest.mark.parametrize("failure", [OVERLOADED, LOST, STALLED, INCOMPLETE, GARBLED, UNREACHABLE])
def test_a_passing_failure_after_content_restarts_or_ends_as_the_stream_wants(failure: Failure) -> None:
    assert after(progress(1, content=True), failure) == Restart(failure.reason, 0.5)
    end = after(progress(1, content=True, on_interrupt="fail"), failure)
    assert end == End(Outcome.FAILED, Error(failure.type, failure.message), failure)


def test_a_lasting_failure_ends_at_once_with_its_own_words() -> None:
    assert after(progress(1), INVALID) == End(
        Outcome.FAILED, Error("invalid_request_error", "no"), INVALID, exhausted=False
    )


def test_the_last_attempt_s_failure_ends_as_exhausted() -> None:
    assert after(progress(3), OVERLOADED) == End(
        Outcome.FAILED, Error("overloaded_error", "Overloaded"), OVERLOADED, exhausted=True
    )
    assert isinstance(after(progress(3, free=1), OVERLOADED), Retry)
    assert after(progress(3), INVALID) == End(
        Outcome.FAILED, Error("invalid_request_error", "no"), INVALID, exhausted=False
    )


def test_the_upstream_s_word_on_retrying_decides() -> None:
    assert isinstance(after(progress(1), replace(OVERLOADED, should_retry=False)), End)
    assert isinstance(after(progress(1), replace(INVALID, should_retry=True)), Retry)


def test_a_wait_beyond_the_limit_fails_at_once_and_passes_the_wait_on() -> None:
    told = replace(OVERLOADED, retry_after=61.0)
    end = after(progress(1), told)
    assert isinstance(end, End)
    assert (end.failure, end.exhausted) == (told, False)
    assert after(progress(1), replace(OVERLOADED, retry_after=60.0)) == Retry("overloaded_error", 60.0)


def test_chance_does_not_push_a_wait_over_the_limit() -> None:
    assert isinstance(after(progress(1), replace(OVERLOADED, retry_after=60.0), 0.99), Retry)


@given(
    st.integers(1, 6),
    st.lists(st.tuples(failures, st.booleans(), st.booleans()), min_size=60, max_size=60),
    st.sampled_from(list(OnInterrupt)),
)
def test_whatever_happens_the_upstream_is_called_so_often_and_no_more(
    attempts: int, happenings: list[tuple[Failure, bool, bool]], on_interrupt: OnInterrupt
) -> None:
    allowed = Allowance(attempts, 60.0, 1800.0)
    found = Progress(0, 0, content=False, on_interrupt=on_interrupt)
    step: Step = begin(found, allowed)
    lives, refused = 1, 0
    for failure, content, killed in happenings:
        if isinstance(step, End):
            break
        found = replace(found, attempts=found.attempts + 1, content=content)
        if killed:
            lives += 1
            step = begin(found, allowed, times=lives)
        else:
            step = after(found, failure, 0.5, allowed)
        if isinstance(step, Refused):  # it was no call
            found = replace(found, attempts=found.attempts - 1)
            refused += 1
    assert isinstance(step, End) or len(happenings) - refused <= 2 * attempts
    assert found.attempts <= attempts


# --- a complete message


@pytest.mark.parametrize(
    ("stop_reason", "outcome"),
    [
        ("end_turn", Outcome.COMPLETED),
        ("stop_sequence", Outcome.COMPLETED),
        ("tool_use", Outcome.COMPLETED),
        ("pause_turn", Outcome.COMPLETED),
        ("a_future_reason", Outcome.COMPLETED),
        (None, Outcome.COMPLETED),
        ("max_tokens", Outcome.TRUNCATED),
        ("model_context_window_exceeded", Outcome.TRUNCATED),
        ("refusal", Outcome.REFUSED),
    ],
)
def test_a_complete_message_ends_by_its_stop_reason(stop_reason: str | None, outcome: Outcome) -> None:
    assert decide.on_message(Stage.CONTENT, stop_reason).step == End(outcome)


# --- the rest


def test_a_drain_hands_over_and_the_call_under_way_does_not_count() -> None:
    for stage in (Stage.CALLING, Stage.CONTENT):
        assert decide.on_drain(stage, progress(2, free=1)).step == HandOver(free=2)
    for stage in (Stage.BETWEEN, Stage.HELD):
        assert decide.on_drain(stage, progress(2, free=1)).step == HandOver(free=1)


def test_a_drain_ends_what_may_not_be_restarted() -> None:
    end = decide.on_drain(Stage.CONTENT, progress(1, content=True, on_interrupt="fail")).step
    assert isinstance(end, End)
    assert end.outcome is Outcome.FAILED


@pytest.mark.parametrize("found", [progress(1), progress(2, free=1), progress(3, content=True)])
def test_a_worker_that_stood_still_takes_no_attempt_but_not_for_ever(found: Progress) -> None:
    spared = decide.spared(found, ALLOWED)
    assert (spared.charged, spared.stalls) == (found.charged - 1, 1)
    assert decide.spared(replace(found, stalls=ALLOWED.attempts), ALLOWED).charged == found.charged


def test_who_was_never_called_is_not_spared_a_call() -> None:
    assert decide.spared(progress(2, free=2), ALLOWED) == progress(2, free=2)


def test_a_full_log_an_expiry_and_our_own_fault_have_an_error() -> None:
    full, fault = decide.on_full(Stage.CONTENT, 4096).step, decide.on_fault(Stage.BETWEEN, "x").step
    for end in (full, fault, decide.EXPIRED):
        assert isinstance(end, End)
        assert end.error is not None
    assert decide.EXPIRED.outcome is Outcome.EXPIRED


progresses = st.builds(
    Progress, st.integers(0, 5), st.integers(0, 5), content=st.booleans(), on_interrupt=st.sampled_from(OnInterrupt)
)


@given(st.sampled_from(Stage), progresses, failures)
def test_a_step_is_what_the_table_says_of_the_way(stage: Stage, found: Progress, failure: Failure) -> None:
    for decided in (
        lambda: decide.on_begin(stage, found, ALLOWED, times=1, elapsed=0.0, cancelled=False),
        lambda: decide.on_failure(stage, found, ALLOWED, failure, 0.5),
        lambda: decide.on_drain(stage, found),
        lambda: decide.on_hold(stage, 2.0, "m"),
        lambda: decide.on_message(stage, None),
        lambda: decide.on_log_lost(stage),
        lambda: decide.on_full(stage, 9),
        lambda: decide.on_fault(stage, "x"),
    ):
        try:
            way, step = decided()
        except NoWayError:
            continue
        assert stage in way.at
        assert STEPS[type(step)] == (way.to, way.tells)


STEPS: dict[type[Step], tuple[Stage, Tells]] = {
    Start: (Stage.BETWEEN, Tells.NOTHING),
    Retry: (Stage.BETWEEN, Tells.RETRY),
    Refused: (Stage.BETWEEN, Tells.RETRY),
    Restart: (Stage.BETWEEN, Tells.RESET),
    Park: (Stage.HELD, Tells.NOTHING),
    HandOver: (Stage.HANDED_OVER, Tells.NOTHING),
    BeginAgain: (Stage.LOST, Tells.NOTHING),
    End: (Stage.ENDED, Tells.NOTHING),
}
