"""The dashboard is one that Grafana can show, and that one can read."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.dashboards import ANNOTATIONS, DASHBOARD, EXPRESSIONS, GRAFANA, PANELS, ROWS, asked
from tests.deploy.promql import grouped
from tests.deploy.promtool import needs_promtool, told

WIDTH = 24
KINDS = {"stat", "timeseries"}
every_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])


@needs_promtool
def test_every_expression_is_one(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": asked} for number, asked in enumerate(EXPRESSIONS)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in told("check", "rules", "--lint=none", tmp_path / "rules.yml")


@every_panel
def test_a_panel_says_what_it_shows_and_asks_whom_one_chooses(panel: dict[str, Any]) -> None:
    assert panel["type"] in KINDS
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [chosen] * (
        1 + len(panel["targets"])
    )
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)


@every_panel
def test_lines_are_called_by_labels_that_they_have(panel: dict[str, Any]) -> None:
    for expression, legend in asked(panel):
        called = set(re.findall(r"{{(\w+)}}", legend))
        plain = not re.search(r"\b(sum|max|min|count|histogram_quantile)\b", expression)
        assert called == grouped(expression) - {"le"} if not plain else called <= {"job", "instance"}, expression


def test_no_panel_stands_on_another() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= WIDTH for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_it_has_a_row_for_each_thing_that_one_asks_about() -> None:
    assert [row["title"] for row in ROWS] == [
        "What people feel",
        "Queue and workers",
        "Upstream",
        "Readers and fronts",
        "Redis",
        "Money",
        "Processes",
    ]
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles)


def test_whom_it_asks_is_chosen_by_name() -> None:
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert variables.keys() == {"datasource"}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert [one["datasource"]["uid"] for one in ANNOTATIONS] == ["${datasource}"]


def test_grafana_finds_both_by_itself() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert [(one["type"], one["url"]) for one in sources] == [("prometheus", "http://prometheus:9090")]
    providers = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "keepstream.yml").read_text())["providers"]
    assert [one["options"]["path"] for one in providers] == ["/etc/grafana/dashboards"]
