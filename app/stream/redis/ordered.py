"""Scripts in one trip, each run after the one before it.

The rule: this is for scripts of which each may be repeated. A later one is run although an earlier one was refused, but
never because Redis has forgotten the earlier one: they are sent whole, which costs less than a second trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from app.stream.counts.timing import took_together


@dataclass(frozen=True, slots=True)
class Prepared:
    """A script with its KEYS and ARGV."""

    script: AsyncScript
    keys: Sequence[str]
    args: Sequence[Any]


async def in_order(redis: Redis, *prepared: Prepared) -> list[Any]:
    """Their replies. Raises the first error."""
    async with redis.pipeline(transaction=False) as pipe:
        for one in prepared:
            pipe.eval(str(one.script.script), len(one.keys), *one.keys, *one.args)
        began = perf_counter()
        replies = await pipe.execute(raise_on_error=False)
    took_together((one.script.sha for one in prepared), perf_counter() - began)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
