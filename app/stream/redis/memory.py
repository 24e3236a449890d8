"""How full the servers are: the fullest of them is what there is to look at, for it is who refuses first.

The rule: one that does not answer says nothing here; that it is away is told elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.refusals import NO_ANSWER


@dataclass(frozen=True, slots=True)
class Room:
    """In bytes; `most` is 0 where there is no bound."""

    used: int
    most: int


def room_of(info: dict[str, Any]) -> Room:
    """What INFO says of memory."""
    return Room(int(info.get("used_memory", 0)), int(info.get("maxmemory", 0)))


def fullest(rooms: Iterable[Room]) -> Room:
    """By what is left of each; of those without a bound, who has most."""
    return max(rooms, key=lambda room: (room.used / room.most if room.most else 0.0, room.used))


async def fullest_of(known: Room, logs: Redis | None) -> Room:
    """The fullest of one that is known and of those where the streams are."""
    return known if logs is None else fullest([known, *await _rooms(logs)])


async def _rooms(logs: Redis) -> list[Room]:
    clients = [node.client for node in logs.nodes.primaries] if isinstance(logs, Sharded) else [logs]
    said = await asyncio.gather(*map(_asked, clients))
    return [room for room in said if room is not None]


async def _asked(client: Redis) -> Room | None:
    try:
        return room_of(await client.info("memory"))
    except NO_ANSWER:
        return None
