"""What is found in an expression."""

from __future__ import annotations

from tests.deploy.promql import Selector, grouped, selectors


def test_metrics_are_found_with_what_is_asked_of_them() -> None:
    expression = (
        'sum by (le, a) (rate(x_bucket{since="submit",outcome!~"failed|expired"}[5m] offset 10m))'
        ' / on () group_left keepstream:y > 0.5 and label_replace(z_total, "doing", "$1", "task", "(.*)")'
    )
    matched = (("since", "submit"), ("outcome", "failed"), ("outcome", "expired"))
    assert list(selectors(expression)) == [
        Selector("x_bucket", matched),
        Selector("keepstream:y", ()),
        Selector("z_total", ()),
    ]
    assert grouped(expression) == {"le", "a"}
