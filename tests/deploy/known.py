"""The series that there are to ask for: ours, those that the rules make of them, and Prometheus' own."""

from __future__ import annotations

from app.watch.metrics import names
from app.watch.metrics.labels import OUTCOMES, RATINGS, STATUSES, TOKEN_KINDS
from app.watch.metrics.table import TABLE
from tests.deploy.promql import grouped
from tests.deploy.rules import RECORDED

# Which process a series is of: Prometheus' own.
OF_TARGETS = {"job", "instance"}
JOBS = {"keepstream-front", "keepstream-worker"}
SINCE = {"submit", "claim", "call"}
_OF_ANY = dict.fromkeys(("up", "process_cpu_seconds_total", "process_resident_memory_bytes"), OF_TARGETS)

# What may be asked for, each with its labels.
SERIES: dict[str, set[str]] = {name: {*labels, *OF_TARGETS} for name, labels in names().items()}
SERIES |= {name: grouped(expression) - {"le"} for name, expression in RECORDED.items()}
SERIES |= _OF_ANY | {"ALERTS": {"alertname", "alertstate", "severity"}}

# The values of a label that a process shows from its start, and those that can come.
VALUES: dict[str, set[str]] = {"outcome": set(OUTCOMES), "job": JOBS, "since": SINCE, "rating": set(RATINGS)}
VALUES["status"] = {
    *STATUSES,
    *(one.first[n][0] for one in TABLE if one.labels == ("status",) for n in range(len(one.first))),
}
for one in TABLE:
    for place, label in enumerate(one.labels):
        VALUES.setdefault(label, set()).update(values[place] for values in one.first)
VALUES["kind"] |= set(TOKEN_KINDS)
