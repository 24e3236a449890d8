"""How long a worker rests that was woken for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.claims.resting import REST_SECONDS, REST_SECONDS_MAX, rest_seconds


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_nobody_rests_for_long(workers: int, dice: float) -> None:
    assert 0 <= rest_seconds(workers, dice) < REST_SECONDS_MAX


@pytest.mark.parametrize("workers", [1, 3, 20, 200])
def test_all_together_ask_as_often_whatever_their_number(workers: int) -> None:
    rests = [rest_seconds(workers, dice / 100) for dice in range(100)]
    assert sum(rests) / len(rests) / workers == pytest.approx(REST_SECONDS, rel=0.02)
