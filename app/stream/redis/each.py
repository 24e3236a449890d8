"""One question about each of many streams, in one trip to each server that has some of them.

The rule: of a cluster one node may be away, and what it has keeps nobody else waiting: who is not answered for is left
out, and asked about again by whoever looks the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline


async def of_each(redis: Redis, stream_ids: Iterable[str], ask: Callable[[Pipeline, str], object]) -> dict[str, Any]:
    """The answers, by stream; `ask` puts one command. Raises one of Redis' errors where nobody is answered for."""
    ids = list(dict.fromkeys(stream_ids))
    if not ids:
        return {}
    async with redis.pipeline(transaction=False) as pipe:
        for stream_id in ids:
            ask(pipe, stream_id)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
    found = {one: answer for one, answer in zip(ids, answers, strict=True) if not isinstance(answer, Exception)}
    if not found:
        raise answers[0]
    return found
