"""What a submit asks of an owner's limits, what it finds there, and what a stream did cost at its end.

Pure values. The rule: an account is the name under which something is counted, a tenant's (`acme`) or a user's
(`acme/bob`); a stream counts on all of its accounts or on none. Money is whole nano-dollars: sums of them are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NANO = 10**9


class Limit(StrEnum):
    """What can be too much, by the name that it has in the limits' file."""

    REQUESTS = "requests_per_minute"
    STREAMS = "concurrent_streams"
    OUTPUT = "output_tokens_per_minute"
    DAY = "usd_per_day"
    MONTH = "usd_per_month"
    READERS = "open_readers"


@dataclass(frozen=True, slots=True)
class Account:
    """A name and how much it may; None is without a limit. `burst` requests may come at once.

    `nano_per_day` and `nano_per_month` are of UTC's.
    """

    name: str
    requests_per_minute: int | None = None
    burst: int | None = None
    concurrent_streams: int | None = None
    output_tokens_per_minute: int | None = None
    nano_per_day: int | None = None
    nano_per_month: int | None = None
    weight: float = 1.0

    @property
    def reserves(self) -> bool:
        """Whether a stream counts on it until it has ended."""
        kept = (self.concurrent_streams, self.output_tokens_per_minute, self.nano_per_day, self.nano_per_month)
        return any(limit is not None for limit in kept)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a submit asks for: a place on each of the accounts, and what one call of the stream may cost at most."""

    accounts: tuple[Account, ...] = ()
    reserve_nano: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket as it stands: `limit` a minute, whole ones `remaining`, full again at `reset_ms` of Redis' clock."""

    limit: int
    remaining: int
    reset_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left after a submit, of the account that has least; None where there is no such limit."""

    requests: Rate | None = None
    output_tokens: Rate | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What all calls of a stream did cost. `nano` is None where one of them has no known price."""

    nano: int | None = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    saved_nano: int = 0
    model: str = ""
    owner: str = ""


NO_DEMAND = Demand()
