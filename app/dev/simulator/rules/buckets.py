"""A rate limit that is meant: token buckets for calls, input and output tokens, for each model its own.

Off unless rates are given. A refused call takes nothing out of a bucket. The clock is handed in; knows nothing of HTTP
beyond the headers' names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from time import time
from typing import Any, Final

from app.dev.simulator import values

REQUESTS, INPUT, OUTPUT = "requests", "input-tokens", "output-tokens"
MODELS = 100  # that have buckets of their own; a test has a few
_FLOWS: Final = ("calls", "input_tokens", "output_tokens")
_OPTIONS: Final = {name.replace("_", "-"): name for name in (*_FLOWS, "burst", "refusal_delay")}


@dataclass(frozen=True, slots=True)
class Rates:
    """What flows in a second, 0 for no limit; `burst` is how many seconds' worth a bucket holds, one call at least.

    A refusal comes after `refusal_delay` seconds. `told`: whether answers have the `anthropic-ratelimit-*` headers.
    """

    calls: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    burst: float = 1.0
    refusal_delay: float = 0.0
    told: bool = True

    @property
    def of(self) -> dict[str, float]:
        found = {REQUESTS: self.calls, INPUT: self.input_tokens, OUTPUT: self.output_tokens}
        return {name: rate for name, rate in found.items() if rate}


def rates_of(options: Mapping[str, str]) -> Rates:
    """The rates of a query: the command's options by their names, and `told=0`. Raises `ValueError` with a sentence."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if name == "told":
            found["told"] = value != "0"
            continue
        try:
            found[_OPTIONS[name]] = values.rate(value) if _OPTIONS[name] in _FLOWS else values.seconds(value)
        except KeyError:
            raise ValueError(f"{name}: is not known; there are {', '.join(_OPTIONS)}") from None
        except ValueError as error:
            raise ValueError(f"{name}: {values.number_error(error)}") from error
    return Rates(**found)


class Bucket:
    """`level` at `at`, of at most `size`, filled by `rate` a second; full at first. May be overdrawn."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.size = max(rate * burst, 1.0)
        self.level = self.size
        self.at = now

    def fill(self, now: float) -> None:
        self.level = min(self.level + max(now - self.at, 0.0) * self.rate, self.size)
        self.at = now

    def until(self, level: float) -> float:
        """Seconds until it holds so much, as far as it ever can."""
        return max(min(level, self.size) - self.level, 0.0) / self.rate


class Buckets:
    def __init__(self, rates: Rates, clock: Callable[[], float] = time) -> None:
        self.rates = rates
        self._clock = clock
        self._models: dict[str, dict[str, Bucket]] = {}

    def take(self, model: str, input_tokens: int) -> float:
        """0 where the call may go, and is counted; else the seconds until it may."""
        buckets = self._of(model)
        costs = {REQUESTS: 1.0, INPUT: float(input_tokens), OUTPUT: 1.0}
        wait = max((bucket.until(costs[name]) for name, bucket in buckets.items()), default=0.0)
        if wait <= 0:
            for name in (REQUESTS, INPUT):
                if name in buckets:
                    buckets[name].level -= costs[name]
        return wait

    def spend(self, model: str, output_tokens: int) -> None:
        """The output of a call that may go; nobody knows it beforehand, so the bucket may be overdrawn."""
        if OUTPUT in (buckets := self._of(model)):
            buckets[OUTPUT].level -= output_tokens

    def headers(self, model: str) -> list[tuple[str, str]]:
        """What is left of each limit, and when it is whole again."""
        if not self.rates.told:
            return []
        found, now = [], self._clock()
        for name, bucket in self._of(model).items():
            reset = datetime.fromtimestamp(now, UTC) + timedelta(seconds=ceil(bucket.until(bucket.size)))
            found += [
                (f"anthropic-ratelimit-{name}-limit", str(int(bucket.size))),
                (f"anthropic-ratelimit-{name}-remaining", str(max(int(bucket.level), 0))),
                (f"anthropic-ratelimit-{name}-reset", reset.strftime("%Y-%m-%dT%H:%M:%SZ")),
            ]
        return found

    def _of(self, model: str) -> dict[str, Bucket]:
        now = self._clock()
        if model not in self._models:
            if len(self._models) >= MODELS:
                self._models.pop(next(iter(self._models)))
            self._models[model] = {n: Bucket(rate, self.rates.burst, now) for n, rate in self.rates.of.items()}
        for bucket in self._models[model].values():
            bucket.fill(now)
        return self._models[model]
