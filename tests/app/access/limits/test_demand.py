from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.access.limits.allowance import Allowance, Granted
from app.access.limits.asked import Asked
from app.access.limits.demand import demand_of
from app.access.limits.not_allowed import NotAllowedError

ASKED = Asked("m", 100, (), server_tools=False, fast=True, body=b"x" * 20)
BUDGET = Allowance(nano_per_day=1000)


@dataclass(frozen=True)
class Priced:
    """A price that shows what it was asked."""

    def most_nano(self, input_tokens: int, max_tokens: int, *, fast: bool = True) -> int:
        return input_tokens * 10_000 + max_tokens * 10 + fast


class Prices:
    def __init__(self, *known: str) -> None:
        self._known = known

    def of(self, model: str) -> Priced | None:
        return Priced() if model in self._known else None


def test_under_a_budget_the_most_that_a_call_may_cost_is_asked_for() -> None:
    demand = demand_of(Granted((("a", Allowance()), ("a/u", BUDGET))), ASKED, Prices("m"))
    assert demand.reserve_nano == 201_001
    assert [account.name for account in demand.accounts] == ["a", "a/u"]


def test_without_a_budget_nothing_is_reckoned_and_the_weight_is_told() -> None:
    demand = demand_of(Granted((("a", Allowance(weight=3.0, max_tokens=5)),)), ASKED, Prices())
    assert (demand.reserve_nano, demand.accounts[0].weight) == (0, 3.0)
    assert not demand.counted


@pytest.mark.parametrize("budget", [BUDGET, Allowance(nano_per_month=0), Allowance(nano_per_day=1, unpriced=False)])
def test_no_budget_counts_what_has_no_price(budget: Allowance) -> None:
    with pytest.raises(NotAllowedError, match=r"^model: its price is not known"):
        demand_of(Granted((("a", budget),)), ASKED, Prices("other"))


def test_unless_all_of_them_allow_it() -> None:
    allowed = Allowance(nano_per_day=1, unpriced=True)
    assert demand_of(Granted((("a", allowed),)), ASKED, Prices()).reserve_nano == 0
    with pytest.raises(NotAllowedError):
        demand_of(Granted((("a", allowed), ("a/u", BUDGET))), ASKED, Prices())
