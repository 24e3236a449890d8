"""The autoscaler does what Kubernetes says of its own, by the numbers of our manifests."""

from __future__ import annotations

import pytest

from tests.bench.scaling.autoscaler import Autoscaler
from tests.bench.scaling.rule import Policy, Rule, Way

UP = Way(0, (Policy(is_percent=True, value=100, seconds=15), Policy(is_percent=False, value=8, seconds=15)))
DOWN = Way(300, (Policy(is_percent=True, value=50, seconds=60),))
RULE = Rule({"waiting": "w", "running": "r"}, 40, 0, 0, 2, 100, 2, 360, UP, DOWN)


def test_there_are_enough_that_each_has_its_share() -> None:
    assert Autoscaler(RULE).look(0, asked=2, there=2, value=150) == 4


@pytest.mark.parametrize(("value", "wanted"), [(160, 4), (175, 4), (177, 5), (145, 4)])
def test_a_small_difference_is_overlooked(value: float, wanted: int) -> None:
    assert Autoscaler(RULE).look(0, asked=4, there=4, value=value) == wanted


def test_of_none_it_makes_none() -> None:
    assert Autoscaler(RULE).look(0, asked=0, there=0, value=500) == 0


def test_a_step_up_is_at_most_twice_as_many_or_eight_more() -> None:
    few, many = Autoscaler(RULE), Autoscaler(RULE)
    assert few.look(0, asked=2, there=2, value=4000) == 10
    assert few.look(10, asked=10, there=10, value=4000) == 10
    assert few.look(15, asked=10, there=10, value=4000) == 20
    assert many.look(0, asked=30, there=30, value=4000) == 60
    assert many.look(15, asked=60, there=60, value=8000) == 100


def test_what_was_needed_within_five_minutes_stays() -> None:
    scaler = Autoscaler(RULE)
    assert scaler.look(0, asked=4, there=4, value=160) == 4
    for now in range(15, 300, 15):
        assert scaler.look(now, asked=4, there=4, value=10) == 4
    assert scaler.look(300, asked=4, there=4, value=10) == 2


def test_it_goes_down_by_half_a_minute_at_the_most() -> None:
    scaler = Autoscaler(RULE)
    scaler.look(0, asked=16, there=16, value=0)
    assert scaler.look(300, asked=16, there=16, value=0) == 8
    assert scaler.look(315, asked=8, there=8, value=0) == 8
    assert scaler.look(360, asked=8, there=8, value=0) == 4


def test_a_pause_between_two_bursts_sends_nobody_away() -> None:
    scaler, asked = Autoscaler(RULE), 4
    for now in range(0, 1200, 15):
        asked = scaler.look(now, asked=asked, there=asked, value=150 if now % 240 < 120 else 0)
        assert asked == 4


def test_those_that_drain_count_for_nothing_but_what_they_run() -> None:
    """Four were there with 60 streams; two drain with 30 of them: the same number, so nobody is started for it."""
    assert Autoscaler(RULE).look(0, asked=2, there=2, value=60) == 2
