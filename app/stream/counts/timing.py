"""How long Redis takes for each of our scripts, counted where they are sent.

The rule: a script is known by its digest, its name is that of its file (`scripts.source`), and from its sending to its
answer counts all: the wait for a connection, the way, and the script. Two readings of a clock and an addition for each
call, and nobody is told. A process has one Redis, and so one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any, TypeVar

from redis.asyncio import Redis

from app.stream.counts.distribution import Distribution
from app.stream.scripts import NAMES

# Fewer than of other lags: each script has them.
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)
OTHER = "other"

_seconds: dict[str, Distribution] = {}

Client = TypeVar("Client", bound=Redis)


def seconds() -> Mapping[str, Distribution]:
    """By the scripts' names, of those that were sent."""
    return _seconds


def took(digest: str, seconds: float, times: int = 1) -> None:
    """The script of this digest was answered so many `times`, each after so long."""
    name = NAMES.get(digest, OTHER)
    try:
        _seconds[name].add(seconds, times)
    except KeyError:
        found = _seconds[name] = Distribution(BOUNDS)
        found.add(seconds, times)


def took_together(digests: Iterable[str], seconds: float) -> None:
    """These were sent in one trip, which took so long."""
    for digest in digests:
        took(digest, seconds)


class _Timed:
    """What is added to a client of redis-py's."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        made = super().execute_command(*args, **options)  # type: ignore[misc]  # of the client that this is added to
        return _timed(made, args[1]) if args[0] == "EVALSHA" else made


async def _timed(made: Any, digest: str) -> Any:
    began = perf_counter()
    try:
        return await made
    finally:
        took(digest, perf_counter() - began)


def timed(client: type[Client]) -> type[Client]:
    """The same kind of client, of whose scripts it is counted how long they take."""
    return type(client.__name__, (_Timed, client), {})
