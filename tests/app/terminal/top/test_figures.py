from __future__ import annotations

from app.terminal.top.figures import FIGURES, Letters, line_of
from tests.harness.boards import made_up


def told(shown: made_up.Shown, width: int = 200) -> dict[str, str]:
    lines = [line_of(made_up.judged(shown), figure, width, Letters()).plain for figure in FIGURES]
    return {figure.label: " ".join(line.split()) for figure, line in zip(FIGURES, lines, strict=True)}


def test_each_figure_says_what_goes_with_it() -> None:
    shown = made_up.calm()
    shown["streams"]["adrift"] = 2
    lines = told(shown)
    for label, end in {
        "waiting": "nobody",
        "running": "of 80, 2 without a worker",
        "first content": "p99 1.9 s",
        "ended": "3 failed, 2 refused, 9 cancelled, 6 truncated",
        "readers": "611 came, 0 resets",
        "retries": "0 take-overs, 2 refused",
        "Redis": "of 2.0 GB, 21.4 kB a stream, 0 refused",
        "spent today": "$18.42 $3.07 saved by caches",
    }.items():
        assert lines[label].endswith(end), label


def test_where_nothing_has_happened_nothing_is_made_up() -> None:
    lines = told(made_up.empty())
    assert lines["ended"].endswith("in 15 min")
    assert lines["first content"] == "first content - p99 -"
    assert lines["Redis"].endswith("of 2.0 GB, 0 refused")
    shown = made_up.empty()
    shown["streams"]["ended"]["completed"] = 2
    assert told(shown)["ended"].endswith("all completed")


def test_where_there_is_no_room_for_both_the_chart_stays() -> None:
    lines = told(made_up.calm(), width=40)
    assert lines["waiting"].startswith("waiting 0 ▁")
    assert lines["Redis"].startswith("Redis 212.0 MB of 2.0 GB")
