from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.http.remaining import HEADERS, rate_headers, refusal_of
from app.stream.accounts import Limit, Over, Rate, Standing

NOW = int(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp() * 1000)


def over(limit: Limit, **more: Any) -> Over:
    return Over(limit, "acme", more.pop("most", 5), NOW, **more)


def test_what_is_left_is_told_as_the_claude_api_tells_it() -> None:
    standing = Standing(Rate(60, 9, NOW + 1), Rate(80_000, 0, NOW + 1000))
    told = rate_headers(standing)
    assert set(told) == set(HEADERS)
    assert told["anthropic-ratelimit-requests-limit"] == "60"
    assert told["anthropic-ratelimit-requests-remaining"] == "9"
    assert told["anthropic-ratelimit-requests-reset"] == "2027-01-01T00:00:00Z"  # never before it is full
    assert told["anthropic-ratelimit-output-tokens-remaining"] == "0"
    assert rate_headers(Standing()) == {}


@pytest.mark.parametrize(
    ("wait_ms", "told"),
    [
        (1, {"retry-after": "1", "retry-after-ms": "1"}),
        (2000, {"retry-after": "2"}),
        (10_001, {"retry-after": "11", "retry-after-ms": "10001"}),
    ],
)
def test_a_rate_tells_exactly_how_long_to_wait(wait_ms: int, told: dict[str, str]) -> None:
    for limit in (Limit.REQUESTS, Limit.OUTPUT):
        status, message, headers = refusal_of(over(limit, wait_ms=wait_ms, standing=Standing(Rate(5, 0, NOW))))
        assert status == 429
        assert message.startswith(f"{limit}: no more than 5 ")
        assert told.items() <= headers.items()
        assert "anthropic-ratelimit-requests-reset" in headers


@pytest.mark.parametrize("limit", [Limit.STREAMS, Limit.READERS])
def test_a_number_of_streams_is_asked_for_again_in_five_seconds(limit: Limit) -> None:
    status, message, headers = refusal_of(over(limit))
    assert (status, headers) == (429, {"retry-after": "5"})
    assert "no more than 5 " in message


def test_a_budget_tells_its_window_and_when_it_begins_anew() -> None:
    status, message, headers = refusal_of(over(Limit.DAY, most=5 * 10**9, left=1_230_000_000))
    assert (status, headers) == (402, {})
    assert message.startswith("usd_per_day: of $5.00 a day, $1.23 is neither")
    assert message.endswith("the next day begins at 2027-01-01T00:00:00Z")
    _, message, _ = refusal_of(over(Limit.MONTH, most=10**11, left=1))
    assert "$100.00 a month, $0.000000001 is" in message
    assert message.endswith("the next month begins at 2027-01-01T00:00:00Z")
    _, message, _ = refusal_of(over(Limit.DAY, most=20_000_000, left=18_599_999))
    assert "of $0.0200 a day, $0.0185 is" in message  # never more than there is
    assert "of $0.00 a day, $0.00 is" in refusal_of(over(Limit.DAY, most=0, left=0))[1]


def test_a_month_begins_with_its_first_day() -> None:
    for moment, begins in (("2028-02-29T12:00", "2028-03-01"), ("2026-01-01T00:00", "2026-02-01")):
        now_ms = int(datetime.fromisoformat(f"{moment}+00:00").timestamp() * 1000)
        assert Limit.MONTH.begins_anew(now_ms) == datetime.fromisoformat(f"{begins}T00:00+00:00")
