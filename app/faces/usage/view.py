"""What was used, as `/v1/usage` shows it: rows by day, model or user, their total, and a forecast for the month.

Pure. The rule: what is shown adds up: a row's dollars are the sum of what its streams' ledgers say, rounded by nothing
but the double they are written as.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.intake.unknown import unknown
from app.stream.accounts import NANO
from app.stream.ledger.by_day import Row, Sums, total

BY = ("day", "model", "user")
# So many days are shown where nobody says since when.
USUAL_DAYS = 30
# A day that has just begun tells nothing of the month.
LEAST_DAYS = 0.01
PARAMETERS = ("from", "to", "by", "owner")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class InvalidQuestionError(ValueError):
    """The client's fault: a question about what was used that cannot be answered. The message says what to change."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: the days from `first` to `last`, both included."""

    first: date
    last: date
    by: str = "day"


def question(asked: Mapping[str, str], today: date, days_kept: int) -> Question:
    """What the query of a request asks for. Raises `InvalidQuestionError`."""
    if odd := sorted(set(asked) - set(PARAMETERS)):
        raise InvalidQuestionError(unknown(odd[0], PARAMETERS, kind="parameter"))
    by = asked.get("by") or "day"
    if by not in BY:
        raise InvalidQuestionError(f"by: must be one of {', '.join(BY)}")
    last = _date("to", asked.get("to")) or today
    first = _date("from", asked.get("from")) or _before(last, USUAL_DAYS - 1)
    if first > last:
        raise InvalidQuestionError("from: must not be after to")
    # Of what lies outside nothing is kept, or nothing was used yet.
    first, last = max(first, _before(today, days_kept)), min(last, today)
    return Question(first, last, by)


def shown(asked: Question, rows: Iterable[Row], month: Sequence[Row], now: datetime) -> dict[str, Any]:
    """`rows` are those of the days that are asked for, `month` those of the month of `now` so far."""
    groups: dict[str, list[Row]] = {}
    every: list[Row] = []
    for row in rows:
        groups.setdefault(_name(asked.by, row), []).append(row)
        every.append(row)
    return {
        "data": [{asked.by: name, **_sums(total(groups[name]))} for name in sorted(groups)],
        "total": _sums(total(every)),
        "forecast_usd": forecast_usd(total(month), now),
    }


def forecast_usd(so_far: Sums, now: datetime) -> float:
    """What the month will have cost if it goes on as until now."""
    days = monthrange(now.year, now.month)[1]
    gone = now.day - 1 + (now.hour * 3600 + now.minute * 60 + now.second) / 86_400
    return round(so_far.nano / NANO * days / max(gone, LEAST_DAYS), 6)


def _name(by: str, row: Row) -> str:
    return row.day.isoformat() if by == "day" else row.model if by == "model" else row.user


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "streams": sums.streams,
        "calls": sums.calls,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "cache_read_tokens": sums.cache_read_tokens,
        "cache_write_tokens": sums.cache_write_tokens,
        "cost_usd": sums.nano / NANO,
        "saved_usd": sums.saved_nano / NANO,
    }


def _before(day: date, days: int) -> date:
    return date.fromordinal(max(1, day.toordinal() - days))


def _date(name: str, value: str | None) -> date | None:
    if not value:
        return None
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise InvalidQuestionError(f"{name}: must be a date such as 2026-01-31")
