"""A question about what was used, and the answer's shape."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.faces.usage.view import InvalidQuestionError, Question, forecast_usd, question, shown
from app.stream.accounts import NANO
from app.stream.ledger.by_day import Row, Sums

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({}, Question(date(2026, 10, 29), TODAY)),
        ({"by": "model"}, Question(date(2026, 10, 29), TODAY, "model")),
        ({"from": "2026-11-01"}, Question(date(2026, 11, 1), TODAY)),
        ({"to": "2026-11-10"}, Question(date(2026, 10, 12), date(2026, 11, 10))),
        ({"from": "2026-11-05", "to": "2026-11-05"}, Question(date(2026, 11, 5), date(2026, 11, 5))),
        ({"from": "0001-01-01", "to": "9999-12-31"}, Question(date(2025, 10, 23), TODAY)),
        ({"to": "0001-01-01"}, Question(date(2025, 10, 23), date(1, 1, 1))),
        ({"from": "2027-01-01", "to": "2027-01-02"}, Question(date(2027, 1, 1), TODAY)),
    ],
)
def test_what_is_meant(asked: dict[str, str], meant: Question) -> None:
    assert question(asked, TODAY, 400) == meant


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"from": "2026-11-31"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-1-1"}, "to"),
        ({"to": "2026-11-\u0662\u0667"}, "to"),
        ({"from": "2026-11-27", "to": "2026-11-26"}, "from"),
        ({"by": "hour"}, "by"),
        ({"form": "2026-11-27"}, "form"),
    ],
)
def test_what_cannot_be_answered_is_said_by_its_name(asked: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidQuestionError, match=f"^{named}: "):
        question(asked, TODAY, 400)


def test_rows_add_up_however_they_are_grouped() -> None:
    one, other = Sums(1, 2, 3, 4, 5, 6, 1_500_000_001, 8), Sums(streams=1, nano=499_999_999)
    rows = [Row(TODAY, "", "m", one), Row(TODAY, "bob", "m", other), Row(date(2026, 11, 1), "bob", "n", other)]
    now = datetime(2026, 11, 27, tzinfo=UTC)
    total = {
        "streams": 3,
        "calls": 2,
        "input_tokens": 3,
        "output_tokens": 4,
        "cache_read_tokens": 5,
        "cache_write_tokens": 6,
        "cost_usd": 2.499999999,
        "saved_usd": 8e-9,
    }
    for by, names in (("day", ["2026-11-01", "2026-11-27"]), ("model", ["m", "n"]), ("user", ["", "bob"])):
        told = shown(Question(TODAY, TODAY, by), rows, rows, now)
        assert [row[by] for row in told["data"]] == names
        assert told["total"] == total
        assert sum(row["streams"] for row in told["data"]) == 3


@pytest.mark.parametrize(
    ("now", "usd"),
    [
        (datetime(2026, 11, 16, tzinfo=UTC), 20.0),
        (datetime(2026, 12, 1, tzinfo=UTC), 31_000.0),  # of which nobody knows anything yet
        (datetime(2028, 2, 15, 12, tzinfo=UTC), 20.0),
    ],
)
def test_the_month_goes_on_as_until_now(now: datetime, usd: float) -> None:
    assert forecast_usd(Sums(nano=10 * NANO), now) == pytest.approx(usd)
