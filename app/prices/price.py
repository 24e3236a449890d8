"""What one model's tokens cost, reckoned in whole nano-dollars.

Pure. The rule: sums are made before they are rounded, to the nearest nano-dollar for what was used and upwards for what
may be used; so a cost is exact, and what is reserved is never less than it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.stream.ledger.usage import Counts, counts_of

# Rates are nano-dollars for a million tokens: the finest price there is, of a token, is a whole number of them.
PER = 10**6


@dataclass(frozen=True, slots=True)
class Rate:
    """Nano-dollars for a million tokens: `base`; of a prompt with more tokens than a step's, that step's for all."""

    base: int
    steps: tuple[tuple[int, int], ...] = ()

    def at(self, prompt_tokens: int) -> int:
        """The steps stand in order of their tokens."""
        found = self.base
        for above, rate in self.steps:
            if prompt_tokens > above:
                found = rate
        return found

    def most(self, prompt_tokens: int) -> int:
        """The dearest rate that a prompt of so many tokens, or fewer, can have."""
        return max(self.base, *(rate for above, rate in self.steps if prompt_tokens > above), 0)


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one way to be served; `search` is nano-dollars for one web search."""

    input: Rate
    output: Rate
    cache_read: Rate
    cache_write_5m: Rate
    cache_write_1h: Rate
    search: int = 0

    def nano(self, used: Counts) -> int:
        prompt = used.all_input
        tokens = (
            used.input * self.input.at(prompt)
            + used.output * self.output.at(prompt)
            + used.cache_read * self.cache_read.at(prompt)
            + used.cache_write_5m * self.cache_write_5m.at(prompt)
            + used.cache_write_1h * self.cache_write_1h.at(prompt)
        )
        return _nearest(tokens) + used.searches * self.search

    def saved(self, used: Counts) -> int:
        """How much more what was read from caches would have cost without them."""
        prompt = used.all_input
        return max(_nearest(used.cache_read * (self.input.at(prompt) - self.cache_read.at(prompt))), 0)

    def most(self, input_tokens: int, max_tokens: int) -> int:
        ways_in = (self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h)
        dearest = max(rate.most(input_tokens) for rate in ways_in)
        return -(-(input_tokens * dearest + max_tokens * self.output.most(input_tokens)) // PER)


@dataclass(frozen=True, slots=True)
class Price:
    """A model's price: as it is asked by most, for a batch, and for its fast mode."""

    standard: Rates
    batch: Rates
    fast: Rates

    def cost_nano(self, usage: Mapping[str, Any]) -> int:
        """What a `usage` in the Messages API's shape costs, if all of it is this model's."""
        return self.rates(usage).nano(counts_of(usage))

    def rates(self, usage: Mapping[str, Any]) -> Rates:
        """As the upstream says that it served the call."""
        if usage.get("service_tier") == "batch":
            return self.batch
        return self.fast if usage.get("speed") == "fast" else self.standard

    def most_nano(self, input_tokens: int, max_tokens: int, *, fast: bool = True) -> int:
        """The most that one call can cost: all of its input written to the dearest cache, all of its output said.

        `fast` is False where it is known that the call does not ask for the fast mode. Of what server tools add to a
        call (their searches, and the input that they bring) nobody knows before.
        """
        ways = (self.standard, self.fast) if fast else (self.standard,)
        return max(rates.most(input_tokens, max_tokens) for rates in ways)


def _nearest(tokens: int) -> int:
    return (tokens + PER // 2) // PER
