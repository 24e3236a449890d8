"""Times counted in classes, and what is read from them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream.board import counting
from app.stream.board.counting import class_of, quantile, seconds_of, summed, times


@given(st.floats(0.001, 86_400))
def test_a_time_is_read_as_it_was_but_for_a_twentieth(seconds: float) -> None:
    assert seconds_of(class_of(seconds)) == pytest.approx(seconds, rel=0.05)


@pytest.mark.parametrize("odd", [-1.0, 0.0, 1e-9, 1e9])
def test_what_no_answer_takes_has_a_class_too(odd: float) -> None:
    assert 0 <= class_of(odd) <= class_of(86_400)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=50), st.sampled_from([0.01, 0.5, 0.99, 1.0]))
def test_a_part_of_all_times_is_not_longer(found: list[float], part: float) -> None:
    value = quantile(Counter(map(class_of, found)), part)
    assert value is not None
    limit = value * 1.1
    assert sum(one <= limit for one in found) >= part * len(found) - 1e-9
    assert sum(one <= value / 1.1 for one in found) < part * len(found) or value <= min(found) * 1.1


def test_how_many_tokens_a_byte_is_says_what_has_ended() -> None:
    assert counting.tokens_per_byte([]) == counting.tokens_per_byte([{"said_ended": 20, "said_tokens": 1}]) == 0.25
    assert counting.tokens_per_byte([{"said_ended": 900, "said_tokens": 200}, {"said_ended": 100}]) == 0.2


def test_steps_are_added_up() -> None:
    steps = [{"first:8": 1, "first:16": 2, "retries": 3}, {}, {"first:8": 4, "retries": 1, "first_not": 7}]
    assert times(steps, counting.FIRST_CONTENT) == {8: 5, 16: 2}
    assert summed(steps, counting.RETRIES) == 4
    assert quantile({}, 0.5) is None
