"""The simulation at a size that takes a moment: it says the same each time, and what it is there to see can be seen."""

from __future__ import annotations

import pytest

from tests.bench.sizing.formula import figures
from tests.simulation.scenarios import Row, Size, burst, deaths, flood, front_dies, steady

FIGURES = figures()
SMALL = Size(streams=600, workers=12, slots=60, seconds=20.0, fronts=4, tenants=10, limit=200)


def number(rows: list[Row], what: str) -> float:
    """The first number of a row."""
    [value] = [value for name, value in rows if name.startswith(what)]
    return float(value.split()[0].replace(",", "").rstrip("%"))


def test_the_same_seed_is_the_same_day_and_another_is_another() -> None:
    small = steady(SMALL, FIGURES, 7, 4.0)
    assert steady(SMALL, FIGURES, 7, 4.0) == small
    assert steady(SMALL, FIGURES, 8, 4.0) != small


def test_with_room_nobody_waits() -> None:
    rows = steady(SMALL, FIGURES, 7, 6.0)
    assert number(rows, "wait for a worker") < 50  # ms
    assert number(rows, "streams that begin") == pytest.approx(SMALL.rate, rel=0.3)


def test_all_that_lost_their_worker_run_again_and_the_dead_are_let_go_at_once() -> None:
    rows = deaths(SMALL, FIGURES, 7, dead=2, seconds=6.0)
    assert number(rows, "streams that lost their worker") == number(rows, "… of which run again") > 50
    assert number(rows, "from its death") < 2.0
    assert number(rows, "walks through all claims") <= 2
    assert number(rows, "streams taken from a worker that lives") == 0


def test_who_keeps_its_connections_is_found_by_its_leases() -> None:
    rows = deaths(SMALL, FIGURES, 7, dead=2, unnoticed=True, seconds=14.0)
    assert number(rows, "streams that lost their worker") == number(rows, "… of which run again") > 50
    assert 7.0 < number(rows, "from its death") < 13.0
    assert number(rows, "walks through all claims") == 0


def test_a_flood_hurts_those_who_make_it_and_weights_count() -> None:
    rows = flood(SMALL, FIGURES, 7, 8.0)
    assert number(rows, "the others' wait") < 0.5
    assert number(rows, "the flooding ones' wait") > 1.0
    assert number(rows, "streams of the one of weight 3") == pytest.approx(3, rel=0.25)


def test_what_does_not_fit_waits_for_an_answer_and_no_longer() -> None:
    waits = burst(FIGURES, 7, streams=40, workers=3, slots=10, answer_seconds=2.0)
    assert len(waits) == 40
    assert waits[29] < 0.1
    assert waits[30] == pytest.approx(2.0, abs=0.2)
    assert waits[-1] == pytest.approx(2.0, abs=0.2)


def test_readers_of_a_front_that_died_are_back_within_seconds() -> None:
    rows = dict(front_dies(SMALL, FIGURES, 7, readers_each=10))
    assert rows["readers of it"] == "1,500"
    [slowest] = [float(value.split()[4]) for name, value in rows.items() if name.startswith("EventSources: have")]
    assert 1.0 < slowest < 8.0
