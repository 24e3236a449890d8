"""Each alert has its part of the runbook, and what stands there is there."""

from __future__ import annotations

import re

import pytest

from app.access.caller import Caller
from app.access.limits.limits_file import limits_of
from app.cli import COMMANDS
from app.openapi import describe
from app.settings import OF_COMPOSE, variables
from app.stream import keys
from app.watch.metrics import table
from tests.app.docs.shelf import SHELF, Document
from tests.deploy.dashboards import PANELS, ROWS
from tests.deploy.known import SERIES
from tests.deploy.rules import ALERTS, DEPLOY

RUNBOOK = Document(DEPLOY / "runbook.md")
OF_ALERTS, _, OF_PEOPLE = RUNBOOK.text.partition("\n# What people do\n")


def parts_of(text: str) -> dict[str, str]:
    return {part.split("\n", 1)[0]: part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]}


PARTS, DEEDS = parts_of(OF_ALERTS), parts_of(OF_PEOPLE)
TITLES = [panel["title"] for panel in (*PANELS, *ROWS)]
OPERATIONS = {f"{method.upper()} {path}" for path, item in describe()["paths"].items() for method in item}
every_part = pytest.mark.parametrize("name", PARTS)


def test_each_alert_has_its_part_and_each_part_its_alert() -> None:
    assert list(PARTS) == list(ALERTS)


def test_the_shelf_lists_each_alert_with_the_time_that_it_waits() -> None:
    rows = re.findall(r"^\| `(Keepstream\w+)` \| .* \| (?:(\d+) min)? ?\|$", SHELF["operating"].text, re.MULTILINE)
    assert [(name, f"{minutes}m" if minutes else None) for name, minutes in rows] == [
        (name, rule.get("for")) for name, rule in ALERTS.items()
    ]


def test_each_thing_that_people_do_has_its_part_with_commands() -> None:
    assert list(DEEDS) == [
        "Deploy", "Scale", "Rotate keys", "Back up and restore Redis", "Move Redis", "A stream that is stuck",
        "Stop the spending now", "Upgrade and roll back", "A disk that is full", "A Redis that is full of memory",
    ]  # fmt: skip
    assert [name for name, part in DEEDS.items() if "```sh" not in part] == ["A disk that is full"]


def test_keys_that_are_to_be_looked_at_are_called_so() -> None:
    said = {name.replace("ID", "st_1") for name in re.findall(r"'(ks:[^']+)'", RUNBOOK.text)}
    assert said == {keys.meta("st_1"), keys.log("st_1"), keys.JOBS, keys.LEASES}


def test_the_limits_that_close_the_door_do() -> None:
    [said] = re.findall(r"printf '([^']+)' > limits", RUNBOOK.text)
    allowed = limits_of(said.replace("\\n", "\n")).of(Caller("anybody"))
    assert [(one.nano_per_day, one.unpriced) for _, one in allowed.accounts] == [(0, False)]


def test_a_restored_redis_is_asked_for_its_file_once_it_has_read_the_snapshot_and_has_it_before_it_ends() -> None:
    """Asked while it reads, it refuses; and begun with a file that it never made, it would be empty."""
    [commands] = [block.code for block in RUNBOOK.blocks if "appendonly no" in block.code]
    in_order = "appendonly no", "^loading:0", "set appendonly yes", "_in_progress:0", "^aof_enabled:1", "docker stop"
    places = [commands.index(part) for part in in_order]
    assert places == sorted(places)


@every_part
def test_a_part_says_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    assert re.findall(r"^\*\*(\w+)\.\*\* ", PARTS[name], re.MULTILINE) == ["Means", "Look", "Do"]


def test_it_names_commands_settings_routes_and_files_that_exist() -> None:
    code = [*RUNBOOK.wrapped_spans, *(block.code for block in RUNBOOK.blocks)]
    assert {command for span in code for command in re.findall(r"\bkeepstream ([a-z]+)", span)} <= set(COMMANDS)
    assert set(re.findall(r"\bKEEPSTREAM_\w+", RUNBOOK.text)) <= {*variables(), *OF_COMPOSE}
    routes = {span for span in code if re.fullmatch(r"(GET|POST) /\S*", span)}
    assert routes <= OPERATIONS
    paths = {path for _, path in (one.split(" ") for one in OPERATIONS)}
    assert {span for span in code if re.fullmatch(r"/[a-z/]+", span)} <= paths
    for path in re.findall(r"\bdeploy/[\w/.]+\w", RUNBOOK.text):
        assert (DEPLOY.parent / path).exists(), path


def test_it_names_lines_of_the_log_that_exist() -> None:
    lines = (DEPLOY.parent / "app" / "watch" / "logs" / "lines.py").read_text()
    named = {span for span in RUNBOOK.wrapped_spans if re.fullmatch(r"[a-z_]+\.[a-z_]+", span)}
    assert named
    assert [name for name in sorted(named) if f'"{name}"' not in lines] == []


def test_it_names_metrics_and_panels_that_exist() -> None:
    assert set(re.findall(r"\bkeepstream[_:]\w[\w:]*", RUNBOOK.text)) <= set(SERIES)
    for said in re.findall(r'"([A-Z][^"]+)"', RUNBOOK.in_one_line):
        assert any(title.startswith(said) for title in TITLES), said


@pytest.mark.parametrize(
    ("alert", "metric"),
    [("KeepstreamWritesRefused", table.APPENDS_REFUSED), ("KeepstreamRedisRefuses", table.REDIS_ERRORS)],
)
def test_it_explains_each_word_that_an_alert_can_say(alert: str, metric: table.Metric) -> None:
    part = " ".join(PARTS[alert].split())
    assert [word for (word,) in metric.first if f"`{word}`" not in part] == []


def test_links_lead_to_parts() -> None:
    assert {link.removeprefix("#") for link in RUNBOOK.links} <= set(RUNBOOK.headings)
