from __future__ import annotations

import pytest

from app.terminal.top.figures import Letters
from app.terminal.top.rows import fronts_of, lately_of, workers_of
from tests.harness.boards import made_up

SAID = {
    "live": "just now",
    "draining": "drains",
    "unsure": "not heard yet",
    "silent": "says nothing, 8 s ago",
    "gone": "gone, 8 s ago",
}


@pytest.mark.parametrize("state", list(SAID))
def test_each_state_of_a_process_is_said(state: str) -> None:
    shown = made_up.calm()
    renewed = 8.0 if state in ("silent", "gone") else 0.4
    shown["workers"] = [made_up.worker("w", 3, state=state, renewed=renewed)]
    shown["fronts"] = [made_up.front("f", 3, state=state, lag=None, renewed=renewed)]
    shown = made_up.judged(shown)
    assert workers_of(shown, 90, Letters())[1].plain.endswith(f"3 of 20  {SAID[state]}")
    assert fronts_of(shown, 90)[1].plain.endswith(f"  {SAID[state]}")


def test_a_worker_s_places_are_squares_and_many_share_one() -> None:
    shown = made_up.calm()
    shown["workers"] = [
        {**made_up.worker("few", 3), "capacity": 4},
        {**made_up.worker("many", 1), "capacity": 4000},
        {**made_up.worker("none", 0), "capacity": 0},
    ]
    lines = [line.plain for line in workers_of(made_up.judged(shown), 90, Letters())]
    assert lines[0] == "workers  3 live, 49 places free"
    assert "■■■□ " in lines[1]
    assert lines[2].count("■") == 1  # one of so many is still seen
    assert "■" not in lines[3]


def test_a_late_front_is_coloured_and_one_in_time_is_not() -> None:
    shown = made_up.calm()
    shown["fronts"][1]["lag_ms"] = 1500.0
    lines = fronts_of(made_up.judged(shown), 90)
    assert ["red" in str(line.spans) for line in lines] == [False, False, True]
    assert lines[2].plain.endswith("  1.5 s late")


def test_what_has_happened_is_told_in_words() -> None:
    shown = made_up.calm()
    kinds = ("worker_gone", "taken_over", "draining", "joined", "left", "refused_writes", "of_a_later_version")
    shown["events"] = [{"at": made_up.NOW - 200, "kind": kind, "name": "w", "count": 2} for kind in kinds]
    assert [line.plain for line in lately_of(shown)[1:]] == [
        " 3 min ago  w died; 2 streams free to take",
        " 3 min ago  w took over 2 streams",
        " 3 min ago  w drains, 2 to go",
        " 3 min ago  w came",
        " 3 min ago  w left",
        " 3 min ago  Redis refused 2 writes of w",
        " 3 min ago  of_a_later_version: w",
    ]
    assert lately_of(made_up.empty()) == []
