"""Every alert is seen to fire and seen not to, and says where to read on."""

from __future__ import annotations

import pytest

from tests.deploy.promtool import needs_promtool, told
from tests.deploy.rules import ALERTS, CASES, PROMETHEUS

SEVERITIES = {"page", "warning"}
every_alert = pytest.mark.parametrize("alert", ALERTS)


def seen(alert: str) -> list[list[bool]]:
    """In each case that is about it, whether it fires, at one moment after the other."""
    moments = [[one for one in case["alert_rule_test"] if one["alertname"] == alert] for case in CASES]
    return [[bool(one.get("exp_alerts")) for one in of_case] for of_case in moments if of_case]


@needs_promtool
def test_they_fire_when_they_should_and_not_at_near_misses() -> None:
    assert "SUCCESS" in told("test", "rules", PROMETHEUS / "rules_test.yml")


@needs_promtool
def test_prometheus_takes_its_configuration() -> None:
    assert "rule files found" in told("check", "config", PROMETHEUS / "prometheus.yml")


@every_alert
def test_each_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: str) -> None:
    fires = [any(case) for case in seen(alert)]
    assert any(fires)
    assert not all(fires)


@every_alert
def test_what_fires_after_a_time_is_seen_not_to_fire_before_it(alert: str) -> None:
    assert "for" not in ALERTS[alert] or any(not case[0] and any(case) for case in seen(alert))


@every_alert
def test_each_says_how_much_it_matters_and_where_to_read_on(alert: str) -> None:
    assert ALERTS[alert]["labels"].keys() == {"severity"}
    assert ALERTS[alert]["labels"]["severity"] in SEVERITIES
    assert ALERTS[alert]["annotations"].keys() == {"summary", "runbook_url"}
    assert ALERTS[alert]["annotations"]["runbook_url"] == f"deploy/runbook.md#{alert.lower()}"


def test_a_case_is_called_after_what_happens_in_it() -> None:
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names)
