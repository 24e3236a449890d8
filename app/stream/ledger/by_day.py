"""What has been used, by day, model and user: as it is counted in `done`, and read back.

The law: a stream is counted once, with its job's end, on the day of UTC on which that was; a sum is whole numbers, and
money whole nano-dollars. A tenant's users are told apart by the part of the owner behind the slash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta

from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import Bill

DAYS = 400
DAY_SECONDS = 86_400
# What is counted of those for whom there is no room any more; no user and no model is called so.
OTHERS = "/"
MODEL_CHARACTERS = 200
# So many days are asked for at once.
DAYS_AT_ONCE = 50

_BEGIN = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Sums:
    """Of streams: how many, their calls, their tokens by kind, what they did cost and what caches saved."""

    streams: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    nano: int = 0
    saved_nano: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Row:
    """What one user did use of one model on one day. `user` is empty where the tenant acted for itself."""

    day: date
    user: str
    model: str
    sums: Sums


def counted(bill: Bill | None, seconds: int) -> tuple[str, int, str, str, str]:
    """What `done` is told of a bill: the tenant's keys, their life, the user, the model and the counts."""
    if bill is None or not bill.owner:
        return "", seconds, "", "", ""
    tenant, _, user = bill.owner.partition("/")
    sums = Sums(
        1,
        bill.calls,
        bill.input_tokens,
        bill.output_tokens,
        bill.cache_read_tokens,
        bill.cache_write_tokens,
        bill.nano,
        bill.saved_nano,
    )
    model = bill.model[:MODEL_CHARACTERS].encode(errors="replace").decode()
    return keys.usage(tenant), seconds, user, model, " ".join(str(max(0, count)) for count in astuple(sums))


class Usage:
    """What the tenants of one Redis have used."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def now(self) -> datetime:
        """The time by which days are told apart, in UTC: Redis' own."""
        seconds, micros = await self._redis.time()
        return datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, UTC)

    async def rows(self, tenant: str, days: Sequence[date]) -> list[Row]:
        """Of these days."""
        rows: list[Row] = []
        for start in range(0, len(days), DAYS_AT_ONCE):
            some = days[start : start + DAYS_AT_ONCE]
            async with self._redis.pipeline(transaction=False) as pipe:
                for day in some:
                    pipe.hgetall(keys.usage(tenant) + str((day - _BEGIN).days))
                for day, found in zip(some, await pipe.execute(), strict=True):
                    rows += _rows(day, found)
        return rows


def days_from(first: date, last: date) -> list[date]:
    """From `first` to `last`, both included."""
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def total(rows: Sequence[Row]) -> Sums:
    return sum((row.sums for row in rows), Sums())


def _rows(day: date, found: dict[bytes, bytes]) -> Iterator[Row]:
    for field, counts in found.items():
        user, _, model = field.decode("utf-8", "replace").partition("\n")
        yield Row(day, user, model, Sums(*(int(count) for count in counts.split())))
