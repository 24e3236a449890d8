"""Scripts in one trip, each run after the one before it; in one trip to each server where they are of several.

The rule: this is for scripts of which each may be repeated. Of one server a later one is run although an earlier one
was refused, but never because Redis has forgotten the earlier one: they are sent whole, which costs less than a second
trip. The next server is asked once the one before it has taken all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
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


async def in_order(*prepared: Prepared) -> list[Any]:
    """Their replies. Raises the first error."""
    replies: list[Any] = []
    for redis, together in groupby(prepared, lambda one: one.script.registered_client):
        replies += await _in_one_trip(redis, list(together))
    return replies


async def _in_one_trip(redis: Redis, prepared: Sequence[Prepared]) -> list[Any]:
    async with redis.pipeline(transaction=False) as pipe:
        for one in prepared:
            pipe.eval(str(one.script.script), len(one.keys), *one.keys, *one.args)
        began = perf_counter()
        replies: list[Any] = await pipe.execute(raise_on_error=False)
    took_together((one.script.sha for one in prepared), perf_counter() - began)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
