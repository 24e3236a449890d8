"""What rules and dashboard ask for is there, by these labels; and what is there can be seen on the dashboard."""

from __future__ import annotations

import re

import pytest
import yaml

from app.watch.metrics import names
from tests.deploy.dashboards import EXPRESSIONS
from tests.deploy.known import JOBS, OF_TARGETS, SERIES, VALUES
from tests.deploy.promql import grouped, selectors
from tests.deploy.rules import ALERTS, PROMETHEUS, RECORDED

ASKED = sorted({*EXPRESSIONS, *RECORDED.values(), *(rule["expr"] for rule in ALERTS.values())})
every_expression = pytest.mark.parametrize("expression", ASKED)
# Shown as another one beside it.
SEEN_OTHERWISE = {
    "keepstream_streams_capacity": "keepstream_capacity, which is the sum that the workers tell",
    "keepstream_draining": "keepstream_ready",
    "keepstream_tool_calls_total": "whose tools they are knows what is too many; a stream's timeline has each",
    "keepstream_tool_seconds": "as keepstream_tool_calls_total",
    "keepstream_waiting_for_newer": "doctor says it, and it is over with the upgrade",
    "keepstream_waiting_for_person": "persons are asked where they are, and the board counts who waits",
}


@every_expression
def test_each_series_is_there_with_these_labels_and_values(expression: str) -> None:
    for selector in selectors(expression):
        assert selector.metric in SERIES
        for label, value in selector.matched:
            assert label in SERIES[selector.metric], selector
            if label in VALUES and not value.endswith(".*"):
                assert any(re.fullmatch(value, one) for one in VALUES[label]), selector


@every_expression
def test_it_is_grouped_by_labels_that_its_series_have(expression: str) -> None:
    had = set.union(set(OF_TARGETS), *(SERIES[selector.metric] for selector in selectors(expression)))
    assert grouped(expression) <= had


def test_what_is_measured_is_shown() -> None:
    shown = {selector.metric for expression in ASKED for selector in selectors(expression)}
    of_histograms = {name.removesuffix(end) for name in shown for end in ("_bucket", "_sum", "_count")}
    measured = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names()}
    assert sorted(measured - shown - of_histograms) == sorted(SEEN_OTHERWISE)


def test_what_is_recorded_is_used() -> None:
    used = {selector.metric for expression in ASKED for selector in selectors(expression)}
    assert set(RECORDED) <= used


def test_prometheus_calls_its_targets_so() -> None:
    scraped = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    assert {one["job_name"] for one in scraped} == JOBS
