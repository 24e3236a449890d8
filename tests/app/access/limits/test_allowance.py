from __future__ import annotations

import pytest

from app.access.limits.allowance import Allowance, Patterns, matches


def test_of_two_the_stricter_counts_and_who_says_nothing_takes_nothing_away() -> None:
    one = Allowance(models=(("a*",),), max_tokens=10, server_tools=True, nano_per_day=5, weight=2.0, unpriced=True)
    other = Allowance(models=(("*b",),), max_tokens=20, server_tools=False, requests_per_minute=7, final=True)
    both = one.stricter(other)
    assert both == other.stricter(one) or (both.models, other.stricter(one).models) == (
        (("a*",), ("*b",)),
        (("*b",), ("a*",)),
    )
    assert (both.max_tokens, both.server_tools, both.nano_per_day, both.requests_per_minute) == (10, False, 5, 7)
    assert (both.weight, both.unpriced, both.final) == (2.0, True, True)
    assert one.stricter(Allowance(unpriced=False)).unpriced is False
    assert one.stricter(Allowance()) == one


@pytest.mark.parametrize(
    ("lists", "allowed"),
    [
        ((), True),
        ((("claude-*",),), True),
        ((("gpt-*", "claude-x"),), True),
        ((("claude-*",), ("*-y",)), False),
        (((),), False),
        ((("CLAUDE-*",),), False),
    ],
)
def test_each_list_of_patterns_has_to_have_one_that_fits(lists: Patterns, allowed: bool) -> None:  # noqa: FBT001
    assert matches("claude-x", lists) == allowed


@pytest.mark.parametrize(("rate", "burst", "at_once"), [(60, None, 10), (5, None, 1), (600, 3, 3)])
def test_a_sixth_of_a_minute_may_come_at_once(rate: int, burst: int | None, at_once: int) -> None:
    allowance = Allowance(requests_per_minute=rate, burst=burst)
    assert (allowance.at_once, allowance.account("a").burst) == (at_once, at_once)


@pytest.mark.parametrize(
    "allowance",
    [Allowance(models=((),)), Allowance(max_tokens=1), Allowance(server_tools=False), Allowance(nano_per_day=0)],
)
def test_a_prompt_is_looked_at_where_somebody_judges_it(allowance: Allowance) -> None:
    assert allowance.judges
    assert not Allowance(server_tools=True, requests_per_minute=1, concurrent_streams=0, weight=2.0).judges
