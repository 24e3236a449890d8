"""The page about sizing says what follows from its own figures."""

from __future__ import annotations

import re

import pytest

from app.http.static import WEB
from tests.bench.sizing.formula import figures
from tests.bench.sizing.page import PAGE, number, with_figures, with_tables
from worker.claims.leases import RENEWALS_PER_LEASE
from worker.claims.resting import REST_SECONDS


def test_its_table_is_what_the_formula_says() -> None:
    """Else: python -m tests.bench.sizing --reckon."""
    assert with_tables(PAGE.read_text()) == PAGE.read_text()


def test_a_figure_goes_into_its_row_and_nothing_else_changes() -> None:
    text = PAGE.read_text()
    changed = with_figures(text, {"reader_kb": 1234.5})
    assert figures(changed) == figures(text) | {"reader_kb": 1234}
    different = [one for one, two in zip(text.splitlines(), changed.splitlines(), strict=True) if one != two]
    assert [line.split("`")[1] for line in different] == ["reader_kb"]
    with pytest.raises(KeyError):
        with_figures(text, {"nobody_knows_us": 1.0})


@pytest.mark.parametrize(("value", "shown"), [(12345.6, "12,346"), (42.06, "42.1"), (0.0123, "0.012"), (7, "7")])
def test_a_number_has_the_digits_that_count(value: float, shown: str) -> None:
    assert number(value) == shown


def test_no_figure_stands_elsewhere_and_none_is_for_nothing() -> None:
    """The calculator's formula names them, and has no number of its own but those that turn units."""
    formula = (WEB / "docs" / "need.js").read_text().partition("export function")[2]
    named = set(re.findall(r"\bof\.(\w+)", formula))
    assert named <= set(figures())
    assert set(re.findall(r"(?<![\w.])\d[\d.e]*", formula)) <= {"1", "1e6", "1e9", "1000", "3600"}


def test_what_is_assumed_of_the_product_is_so() -> None:
    assert figures()["renew_seconds"] == pytest.approx(10 / RENEWALS_PER_LEASE, abs=0.01)
    assert figures()["taken_seconds"] == REST_SECONDS
