"""What is counted of one metric."""

from __future__ import annotations

from app.stream.counts.distribution import Distribution
from app.watch.metrics.series import SETS_MAX, Sum
from app.watch.metrics.table import REFUSED


def test_there_are_never_more_series_than_so_many_whatever_is_named() -> None:
    one = Sum(REFUSED)
    for number in range(SETS_MAX * 2):
        one.add(f"word-{number}")
    values = one.shown().values
    assert len(values) == SETS_MAX + 1
    assert sum(float(value) for value in values.values() if not isinstance(value, Distribution)) == SETS_MAX * 2
