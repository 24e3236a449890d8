from __future__ import annotations

from app.stream.counts.distribution import Distribution


def test_each_value_is_counted_at_the_first_bound_that_it_does_not_exceed() -> None:
    found = Distribution((1.0, 2.0, 5.0))
    for value in (0.5, 1.0, 1.5, 5.0, 6.0):
        found.add(value)
    assert list(found.up_to()) == [(1.0, 2), (2.0, 3), (5.0, 4)]
    assert (found.count, found.sum) == (5, 14.0)


def test_what_came_together_is_added_at_once() -> None:
    found = Distribution((1.0,))
    found.add(0.5, 10)
    assert (found.count, found.sum) == (10, 5.0)


def test_of_nothing_there_is_nothing() -> None:
    found = Distribution()
    assert (found.count, found.sum) == (0, 0.0)
    assert all(count == 0 for _, count in found.up_to())
