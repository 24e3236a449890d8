from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.worker.life.decide.asking import OVERLOADED, failures
from worker.life.calling.backoff import wait_after
from worker.upstream.failure import Failure


def test_the_back_off_doubles_up_to_eight_seconds() -> None:
    waits = [wait_after(OVERLOADED, used, 60.0, 0.0) for used in range(1, 9)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]


def test_the_back_off_is_never_above_the_limit_that_was_set() -> None:
    assert [wait_after(OVERLOADED, used, 1.5, 0.0) for used in range(1, 4)] == [0.5, 1.0, 1.5]


@given(failures, st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_chance_moves_a_wait_by_a_quarter_at_the_most(failure: Failure, used: int, jitter: float) -> None:
    wait, steady = wait_after(failure, used, 60.0, jitter), wait_after(failure, used, 60.0, 0.0)
    if wait is None or steady is None:
        assert failure.retry_after is not None
        assert failure.retry_after > 60.0
    elif failure.retry_after is None:
        assert 0.75 * steady <= wait <= steady <= 8.0
    else:
        assert failure.retry_after == steady <= wait <= steady + 1.0
