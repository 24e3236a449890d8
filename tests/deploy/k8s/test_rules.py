"""The alerts of a cluster are those that are tested, and one of them knows that workers may all be gone on purpose."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.deploy.k8s.build import of
from tests.deploy.k8s.rules import FILE, groups, written
from tests.deploy.promtool import needs_promtool, told
from tests.deploy.rules import ALERTS, RULES

CASES = """
rule_files: [rules.yml]
evaluation_interval: 10s
tests:
  - interval: 10s
    input_series:
      - {series: 'keepstream_workers{pod="front-1"}', values: 2x3 0x60}
      - {series: 'keepstream_waiting{pod="front-1"}', values: 0x30 3x30}
    alert_rule_test:
      - {eval_time: 5m, alertname: KeepstreamNoWorker}
      - eval_time: 7m
        alertname: KeepstreamNoWorker
        exp_alerts:
          - exp_labels: {severity: page}
            exp_annotations:
              summary: 'no worker is there: what is asked waits'
              runbook_url: deploy/runbook.md#keepstreamnoworker
"""


def test_the_file_is_made_of_those_of_prometheus() -> None:
    """Else: python -m tests.deploy.k8s.rules."""
    assert FILE.read_text() == written()
    [rules] = of("small", "PrometheusRule").values()
    assert rules["spec"] == yaml.safe_load(groups())
    mine = [rule for group in rules["spec"]["groups"] for rule in group["rules"]]
    differ = [one["alert"] for one, other in zip(mine, RULES, strict=True) if one != other]
    assert differ == ["KeepstreamNoWorker"]
    assert [one["alert"] for one in mine if "alert" in one] == list(ALERTS)


@needs_promtool
def test_that_nobody_is_there_while_nobody_waits_wakes_nobody(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(groups())
    (tmp_path / "cases.yml").write_text(CASES)
    assert "SUCCESS" in told("test", "rules", tmp_path / "cases.yml")
