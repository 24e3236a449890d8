"""The dashboard, as `deploy/grafana/` has it."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.deploy.rules import DEPLOY

GRAFANA = DEPLOY / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "keepstream.json").read_text())
ROWS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] == "row"]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ANNOTATIONS: list[dict[str, Any]] = DASHBOARD["annotations"]["list"]
# With what Grafana puts there for a scrape every ten seconds.
RATE_INTERVAL = "40s"


def filled(expression: str) -> str:
    return re.sub(r"\$__rate_interval\b", RATE_INTERVAL, expression)


def asked(panel: dict[str, Any]) -> list[tuple[str, str]]:
    """A panel's expressions, each with what its lines are called."""
    return [(filled(target["expr"]), target["legendFormat"]) for target in panel["targets"]]


EXPRESSIONS = [expression for panel in PANELS for expression, _ in asked(panel)]
EXPRESSIONS += [filled(one["expr"]) for one in ANNOTATIONS]
