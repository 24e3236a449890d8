"""What must not be left behind in Redis."""

from __future__ import annotations

from redis.asyncio import Redis


async def keys_without_ttl(client: Redis) -> list[str]:
    """The keys that would stay for ever."""
    return [key.decode() for key in await client.keys("*") if await client.ttl(key) == -1]
