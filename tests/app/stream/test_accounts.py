from __future__ import annotations

import pytest

from app.stream.accounts import Account


@pytest.mark.parametrize("kept", ["concurrent_streams", "output_tokens_per_minute", "nano_per_day", "nano_per_month"])
def test_what_is_settled_at_the_end_is_kept_until_then(kept: str) -> None:
    assert Account("a", **{kept: 0}).reserves  # type: ignore[arg-type]  # by their names


def test_requests_are_counted_when_they_come_and_need_no_end() -> None:
    assert not Account("a", requests_per_minute=60, burst=10, weight=2.0).reserves
