"""Scripts in one trip, each run after the one before it.

The rule: this is for scripts of which each may be repeated. A later one is run although an earlier one was refused, but
never because Redis has forgotten the earlier one: they are sent whole, which costs less than a second trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript


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
        replies = await pipe.execute(raise_on_error=False)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
