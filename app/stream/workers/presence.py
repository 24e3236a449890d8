"""The workers among themselves: who is alive, and whose leases are not to be waited for.

The rule: an absence is a hint. Whoever acts on it lets leases expire early and nothing more, so that a wrong guess
costs a second call of the upstream and never a byte. Knows nothing of logs.
"""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import Redis

from app.stream import keys
from app.stream.scripts import source, source_on_full


class Presence:
    """The workers of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._absent = redis.register_script(source("queue/lease_clock", "queue/absent"))
        self._expire = redis.register_script(source_on_full("queue/lease_clock", "queue/expire"))

    async def absent(self, worker: str) -> tuple[int, set[str]]:
        """How many leases there are, and the listed workers, other than `worker`, whose own channel nobody hears."""
        leases, *names = await self._absent(
            keys=[keys.WORKERS, keys.LEASES, keys.CLOCK], args=[keys.alive(""), worker, keys.QUEUE_SECONDS]
        )
        return leases, {name.decode() for name in names}

    async def connected(self) -> set[str]:
        """The names of all connections that Redis has. Raises where the server does not tell."""
        return {client.get("name", "") for client in await self._redis.client_list()}

    async def expire(self, workers: Iterable[str]) -> dict[str, int]:
        """Lets the leases of workers that are gone expire now; returns how many, of each that was listed until now."""
        reply = await self._expire(
            keys=[keys.LEASES, keys.CLAIMS, keys.WORKERS, keys.CLOCK],
            args=[keys.WAKE, keys.QUEUE_SECONDS, *workers],
        )
        return {worker.decode(): expired for worker, expired in zip(reply[::2], reply[1::2], strict=True)}
