"""What a submit asks of an owner's limits, what it finds there, and what a stream did cost at its end.

Pure values. The rule: an account is the name under which something is counted, a tenant's (`acme`) or a user's
(`acme/bob`); a stream counts on all of its accounts or on none. Money is whole nano-dollars: sums of them are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.stream import keys

NANO = 10**9
# Above what any owner may spend, and within what the scripts count exactly.
NANO_MAX = 9 * 10**15
# The owner of all streams where nobody is asked who they are: there is no other whose turn it could be.
ANONYMOUS = "anonymous"
# Weights are counted in thousandths, between one and so many of them.
THOUSANDTHS = 1000
THOUSANDTHS_MAX = 1000 * THOUSANDTHS


class Limit(StrEnum):
    """What can be too much, by the name that it has in the limits' file."""

    REQUESTS = "requests_per_minute"
    STREAMS = "concurrent_streams"
    OUTPUT = "output_tokens_per_minute"
    DAY = "usd_per_day"
    MONTH = "usd_per_month"
    READERS = "open_readers"

    @property
    def is_budget(self) -> bool:
        return self in (Limit.DAY, Limit.MONTH)

    @property
    def is_settled(self) -> bool:
        """Whether a stream that is done makes room in it."""
        return self is Limit.STREAMS or self.is_budget

    def begins_anew(self, now_ms: int) -> datetime:
        """When the window of a budget ends, and the next one begins."""
        today = datetime.fromtimestamp(now_ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self is Limit.DAY:
            return today + timedelta(days=1)
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1)


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

    @property
    def counts(self) -> bool:
        """Whether there is anything to count on it."""
        return self.requests_per_minute is not None or self.reserves

    def most(self, limit: Limit) -> int:
        """How much of this it may: of budgets in nano-dollars. 0 where it is without that limit."""
        return {
            Limit.REQUESTS: self.requests_per_minute,
            Limit.STREAMS: self.concurrent_streams,
            Limit.OUTPUT: self.output_tokens_per_minute,
            Limit.DAY: self.nano_per_day,
            Limit.MONTH: self.nano_per_month,
        }.get(limit) or 0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a submit asks for: a place on each of the accounts, and what one call of the stream may cost at most."""

    accounts: tuple[Account, ...] = ()
    reserve_nano: int = 0

    @property
    def counted(self) -> list[Account]:
        return [account for account in self.accounts if account.counts]


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


NO_STANDING = Standing()


@dataclass(frozen=True, slots=True)
class Over:
    """What has no room for one stream more, or for one call more of a stream. `most`: how much of it there is.

    `wait_ms`: after how long it has room, where that is known. `left`: of a budget, in nano-dollars as `most` is.
    `now_ms` is of Redis' clock.
    """

    limit: Limit
    account: str
    most: int
    now_ms: int
    wait_ms: int = 0
    left: int = 0
    standing: Standing = NO_STANDING


@dataclass(frozen=True, slots=True)
class Bill:
    """What all calls of a stream did cost; `nano` is of those that have a known price, which `unpriced` have not.

    `lost`: nobody knows any more what it did cost.
    """

    nano: int = 0
    unpriced: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    saved_nano: int = 0
    model: str = ""
    owner: str = ""
    lost: bool = False


LOST = Bill(lost=True)


def lost_bill(times: int) -> Bill | None:
    """Of a stream of which nothing is left but its job, claimed so many times: somebody may have called before."""
    return LOST if times > 1 else None


NO_DEMAND = Demand()


def words_of(demand: Demand) -> list[str | int]:
    """The accounts as `admit.lua` takes them."""
    words: list[str | int] = []
    for one in demand.counted:
        limits = (
            one.requests_per_minute,
            one.burst or 1,
            one.concurrent_streams,
            one.output_tokens_per_minute,
            one.nano_per_day,
            one.nano_per_month,
        )
        words += (keys.digest(one.name), *("" if limit is None else limit for limit in limits))
    return words


def standing_of(told: Sequence[int]) -> Standing:
    """What `admit.lua` tells of the buckets."""
    rates = [Rate(*told[at : at + 3]) if told[at] >= 0 else None for at in range(0, len(told), 3)]
    return Standing(_scarcest(rates[::2]), _scarcest(rates[1::2]))


def over_of(demand: Demand, told: Sequence[bytes | int], standing: Standing, now_ms: int) -> Over:
    """What `admit.lua` tells of a refusal."""
    name, number, rest = told
    limit, account, amount = Limit(_text(name)), demand.counted[int(number) - 1], int(rest)
    wait_ms, left = (0, amount) if limit.is_budget else (amount, 0)
    return Over(limit, account.name, account.most(limit), now_ms, wait_ms, left, standing)


def _scarcest(rates: Sequence[Rate | None]) -> Rate | None:
    return min((rate for rate in rates if rate is not None), key=lambda rate: rate.remaining, default=None)


def _text(word: bytes | int) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)


@dataclass(frozen=True, slots=True)
class Share:
    """In whose name a stream waits: a tenant takes turns with the others by its weight, if there can be `others`; the
    owners in its name, its users and itself, take turns among themselves.
    """

    tenant: str = ANONYMOUS
    weight: float = 1.0
    owner: str = ANONYMOUS
    owner_weight: float = 1.0
    others: bool = False

    @property
    def words(self) -> list[str | int]:
        """What `submit.lua` takes of it. Digests stand for the names, which may hold anything."""
        newcomer = THOUSANDTHS if self.others else 0
        names = [keys.digest(name)[:16] for name in (self.tenant, self.owner)]
        return [names[0], _thousandths(self.weight), newcomer, names[1], _thousandths(self.owner_weight)]


NOBODYS = Share()


def share_of(owner: str, demand: Demand) -> Share:
    """The share of an owner, a tenant or a tenant's user, by the weights that their limits say, if they do."""
    tenant = owner.partition("/")[0]
    weights = {account.name: account.weight for account in demand.accounts}
    own = weights.get(owner, 1.0) if owner != tenant else 1.0
    return Share(tenant, weights.get(tenant, 1.0), owner, own, others=tenant != ANONYMOUS)


def _thousandths(weight: float) -> int:
    return min(max(round(weight * THOUSANDTHS), 1), THOUSANDTHS_MAX)
