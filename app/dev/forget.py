"""What was deleted leaves the disk: the embedded server's append-only file is written anew at a slow beat.

A server does that by itself only when the file has doubled, which on one person's machine may be never; until then a
text that the page calls gone for good stands there in full. The rule: at most `REWRITE_SECONDS` and one rewrite after
its key has gone, a text is on the disk no more. It never ends what it serves, whatever the server answers.
"""

from __future__ import annotations

import asyncio
import contextlib

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.stream.redis.connect import AWAY, connect

REWRITE_SECONDS = 300.0


async def forget(url: str, seconds: float = REWRITE_SECONDS) -> None:
    """Has the append-only file of the server at `url` written anew, now and every so many seconds, for ever."""
    redis: Redis = connect(url, "dev-forget", retries=0)
    try:
        while True:
            with contextlib.suppress(RedisError, *AWAY):  # it is starting, or rewrites already: the next beat
                persistence = await redis.info("persistence")
                if persistence.get("aof_current_size") != persistence.get("aof_base_size"):
                    await redis.bgrewriteaof()  # type: ignore[no-untyped-call]
            await asyncio.sleep(seconds)
    finally:
        await redis.aclose()
