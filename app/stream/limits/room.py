"""Whether an owner's accounts have room, for who has to know before the submit takes it, and who is in them.

The law: what is said here is said of a moment; only a submit takes room, and says so.
"""

from __future__ import annotations

from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import Demand, over_of, standing_of, words_of
from app.stream.errors import LimitedError
from app.stream.scripts import source


class Room:
    """The accounts of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._look = redis.register_script(source("queue/accounts", "queue/admit", "queue/room"))

    async def look(self, demand: Demand) -> None:
        """Raises `LimitedError` where a submit would."""
        if not demand.counted:
            return
        over, standing, now = await self._look(args=[demand.reserve_nano, keys.ACCOUNT, *words_of(demand)])
        if over:
            raise LimitedError(over_of(demand, over, standing_of(standing), int(now)))

    async def promised(self, account: str, most: int) -> list[str]:
        """The streams that count on an account: up to so many of the oldest, and of the newest."""
        key = keys.account_open(account)
        found = [*await self._redis.zrange(key, 0, most - 1), *await self._redis.zrevrange(key, 0, most - 1)]
        return sorted({one.partition(b"|")[0].decode() for one in found})
