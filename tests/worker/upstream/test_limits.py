"""What an answer says of the upstream's limits."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest

from app.stream.workers.gates import Limit
from worker.upstream.limits import NAMES_MAX, StandingLimits, read

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
SOON = "2026-11-21T12:00:20Z"


def head(**headers: str) -> httpx2.Headers:
    return httpx2.Headers({name.replace("_", "-"): value for name, value in headers.items()})


def of(name: str, left: object, reset: str, **more: str) -> httpx2.Headers:
    name = f"Anthropic-Ratelimit-{name}"
    return head(**{f"{name}-Remaining": str(left), f"{name}-reset": reset}, **more)


def test_a_limit_is_what_there_is_in_all_what_is_left_and_when_all_is_back() -> None:
    headers = of("requests", 5, SOON, anthropic_ratelimit_requests_limit="50")
    assert read(headers, NOW) == [Limit("requests", 50, 5, 20_000)]


def test_the_upstream_s_own_clock_counts() -> None:
    headers = of("tokens", 0, "2026-11-21T15:00:20Z", date="Sat, 21 Nov 2026 15:00:00 GMT")
    assert read(headers, NOW) == [Limit("tokens", 1, 0, 20_000)]


def test_what_is_past_is_back_already() -> None:
    assert read(of("requests", 3, "2026-11-21T11:59:00Z"), NOW) == [Limit("requests", 3, 3, 0)]


@pytest.mark.parametrize(
    "headers",
    [
        head(),
        head(anthropic_ratelimit_requests_remaining="0"),
        of("requests", "few", SOON),
        of("requests", -1, SOON),
        of("requests", 9, SOON, anthropic_ratelimit_requests_limit="5"),
        of("requests", 0, "soon"),
        of("requests", 0, "2026-11-21T12:00:20"),
        of("requests", 0, "2027-11-21T12:00:20Z"),
    ],
)
def test_what_cannot_be_is_left_out(headers: httpx2.Headers) -> None:
    assert read(headers, NOW) == []


def test_what_was_said_last_stands_until_all_of_it_is_back() -> None:
    now = [100.0]
    standing = StandingLimits(lambda: now[0])
    standing.hear([Limit("requests", 50, 9, 20_000), Limit("tokens", 1000, 10, 60_000)])
    standing.hear([Limit("requests", 50, 8, 20_000)])
    assert {name: limit.left for name, limit in standing.now().items()} == {"requests": 8, "tokens": 10}
    now[0] += 20
    assert standing.now() == {"requests": Limit("requests", 50, 50, 0), "tokens": Limit("tokens", 1000, 10, 60_000)}


def test_an_upstream_may_name_limits_without_end() -> None:
    standing = StandingLimits(lambda: 0.0)
    standing.hear(Limit(f"limit-{number}", 50, 9, 20_000) for number in range(2 * NAMES_MAX))
    assert len(standing.now()) == NAMES_MAX
