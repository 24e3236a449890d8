"""What a prompt asks of its owner's accounts: a place on each, and the most that its call may cost.

Pure. The rule: a budget never lets in what it cannot count; so under one, a model without a known price is refused,
unless the limits say that it may be called all the same.
"""

from __future__ import annotations

from typing import Protocol

from app.access.limits.allowance import Granted
from app.access.limits.asked import Asked
from app.access.limits.not_allowed import NotAllowedError
from app.stream.accounts import Demand


class Price(Protocol):
    """A model's."""

    def most_nano(self, input_tokens: int, max_tokens: int, *, fast: bool = True) -> int:
        """The most that one call can cost, in nano-dollars."""


class Prices(Protocol):
    def of(self, model: str) -> Price | None:
        """None for a model of which no price is known."""


def demand_of(granted: Granted, asked: Asked | None, prices: Prices) -> Demand:
    """`asked` may be None where no allowance judges. Raises `NotAllowedError` for what no budget can count."""
    accounts = tuple(allowance.account(name) for name, allowance in granted.accounts)
    budgets = [allowance for allowance in granted.allowances if allowance.has_budget]
    if not budgets or asked is None:
        return Demand(accounts)
    price = prices.of(asked.model)
    if price is not None:
        return Demand(accounts, price.most_nano(asked.input_tokens, asked.max_tokens, fast=asked.fast))
    if not all(allowance.unpriced for allowance in budgets):
        raise NotAllowedError(
            "model: its price is not known, so that your budget cannot count it (unpriced: refuse; usd_per_day, "
            "usd_per_month)"
        )
    return Demand(accounts)
