"""What one owner, user or token may, as a value; and the stricter of two.

Pure. The rule: what is not named is unlimited, and where two speak, both have to agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

from app.stream.accounts import Account

N = TypeVar("N", int, float)

# What comes at once where nobody says: so much of a minute's.
BURST_SHARE = 6

# Lists of shell patterns, of each of which one has to match.
Patterns = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Allowance:
    """None, and no list of patterns, is without a limit. Money is nano-dollars.

    `weight` is the share of the line, `final` shows nothing of an answer before it is whole, `cache` is for how many
    seconds an answer may be given again. `unpriced`: whether a model without a price may be called under a budget.
    """

    models: Patterns = ()
    max_tokens: int | None = None
    betas: Patterns = ()
    server_tools: bool | None = None
    requests_per_minute: int | None = None
    burst: int | None = None
    concurrent_streams: int | None = None
    open_readers: int | None = None
    output_tokens_per_minute: int | None = None
    nano_per_day: int | None = None
    nano_per_month: int | None = None
    weight: float | None = None
    final: bool | None = None
    unpriced: bool | None = None
    cache: float | None = None

    @property
    def at_once(self) -> int:
        """How many requests may come at once."""
        return self.burst or max(1, (self.requests_per_minute or 0) // BURST_SHARE)

    @property
    def has_budget(self) -> bool:
        return self.nano_per_day is not None or self.nano_per_month is not None

    @property
    def judges(self) -> bool:
        """Whether a prompt has to be looked at."""
        may = (self.max_tokens, self.nano_per_day, self.nano_per_month)
        return bool(self.models or self.betas) or self.server_tools is False or any(one is not None for one in may)

    def account(self, name: str) -> Account:
        """What is counted of it, under this name."""
        return Account(
            name,
            requests_per_minute=self.requests_per_minute,
            burst=self.at_once,
            concurrent_streams=self.concurrent_streams,
            output_tokens_per_minute=self.output_tokens_per_minute,
            nano_per_day=self.nano_per_day,
            nano_per_month=self.nano_per_month,
            weight=1.0 if self.weight is None else self.weight,
        )

    def stricter(self, other: Allowance) -> Allowance:
        """What both allow."""
        return Allowance(
            models=self.models + other.models,
            max_tokens=_least(self.max_tokens, other.max_tokens),
            betas=self.betas + other.betas,
            server_tools=_both(self.server_tools, other.server_tools),
            requests_per_minute=_least(self.requests_per_minute, other.requests_per_minute),
            burst=_least(self.burst, other.burst),
            concurrent_streams=_least(self.concurrent_streams, other.concurrent_streams),
            open_readers=_least(self.open_readers, other.open_readers),
            output_tokens_per_minute=_least(self.output_tokens_per_minute, other.output_tokens_per_minute),
            nano_per_day=_least(self.nano_per_day, other.nano_per_day),
            nano_per_month=_least(self.nano_per_month, other.nano_per_month),
            weight=_least(self.weight, other.weight),
            final=self.final or other.final,
            unpriced=_both(self.unpriced, other.unpriced),
            cache=_least(self.cache, other.cache),
        )


UNLIMITED = Allowance()


@dataclass(frozen=True, slots=True)
class Granted:
    """What a caller may: each account that it counts on, the tenant's first, with what that one allows."""

    accounts: tuple[tuple[str, Allowance], ...] = ()

    @property
    def allowances(self) -> Sequence[Allowance]:
        return [allowance for _, allowance in self.accounts]

    def max_tokens(self, default: int) -> int:
        """What is asked for where nobody says how much: `default`, or as much of it as is allowed."""
        return min([default, *(one.max_tokens for one in self.allowances if one.max_tokens is not None)])

    @property
    def final(self) -> bool:
        """Whether nothing of an answer is shown before it is whole, whatever a request says."""
        return any(one.final for one in self.allowances)

    @property
    def cache(self) -> float:
        """For how many seconds an answer is saved where a request does not say; 0 for not at all."""
        return min((one.cache for one in self.allowances if one.cache is not None), default=0.0)

    @property
    def judges(self) -> bool:
        return any(allowance.judges for _, allowance in self.accounts)


def matches(text: str, lists: Patterns) -> bool:
    return all(any(fnmatchcase(text, pattern) for pattern in patterns) for patterns in lists)


def _least(one: N | None, other: N | None) -> N | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _both(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001  # both are values
    if one is None or other is None:
        return other if one is None else one
    return one and other
