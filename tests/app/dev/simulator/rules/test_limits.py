"""The headers of the limits fall with use, never below a quarter, and are whole again after their window."""

from __future__ import annotations

from app.dev.simulator.answer.plan import plan
from app.dev.simulator.directives import Directives
from app.dev.simulator.rules.limits import LIMITS, NEVER_BELOW, WINDOW_SECONDS, Limits

ANSWER = plan({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}, Directives())


def left(headers: list[tuple[str, str]], name: str) -> int:
    return int(dict(headers)[f"anthropic-ratelimit-{name}-remaining"])


def test_what_is_left_falls_with_use_until_the_window_is_over() -> None:
    now = 1000.0
    limits = Limits(lambda: now)
    asked = Directives()
    first, second = (left(limits.spend(ANSWER, asked), "requests") for _ in range(2))
    assert (first, second) == (LIMITS["requests"] - 1, LIMITS["requests"] - 2)
    now += WINDOW_SECONDS
    assert left(limits.spend(ANSWER, asked), "requests") == first


def test_nobody_is_told_that_it_is_nearly_spent_but_who_asks_for_it() -> None:
    limits = Limits(lambda: 1000.0)
    for _ in range(3):
        headers = limits.spend(ANSWER, Directives())
    assert all(left(headers, name) >= limit * NEVER_BELOW for name, limit in LIMITS.items())
    assert left(limits.spend(ANSWER, Directives(remaining=0)), "requests") == 0


def test_each_limit_has_its_three_headers() -> None:
    names = [name for name, _ in Limits().spend(ANSWER, Directives())]
    assert names == [f"anthropic-ratelimit-{of}-{what}" for of in LIMITS for what in ("limit", "remaining", "reset")]
