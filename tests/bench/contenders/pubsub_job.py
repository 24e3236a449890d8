"""The worker of (b): arq as it comes, one job a stream, one pipeline an event."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import orjson
import uvloop
from anthropic import AsyncAnthropic
from arq import func
from arq.connections import RedisSettings
from arq.worker import Worker

TTL_SECONDS = 600
STREAMS = 1000


async def run(context: dict[str, Any], stream_id: str, body: dict[str, Any]) -> None:
    redis, key, channel, number = context["redis"], f"stream:{stream_id}", f"channel:{stream_id}", 0

    async def tell(name: str, data: str) -> None:
        nonlocal number
        number += 1
        payload = orjson.dumps({"id": str(number), "event": name, "data": data})
        async with redis.pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"e": payload}, id=f"{number}-0")
            pipe.publish(channel, payload)
            await pipe.execute()

    async for event in await context["claude"].messages.create(**body, stream=True):
        await tell(event.type, event.model_dump_json())
    await tell("end", "")
    await redis.expire(key, TTL_SECONDS)


async def start(context: dict[str, Any]) -> None:
    context["claude"] = AsyncAnthropic(max_retries=0)
    sys.stdout.write("ready\n")


def main() -> None:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())
    Worker(
        [func(run, name="run", timeout=600, keep_result=0)],
        redis_settings=RedisSettings.from_dsn(os.environ["REDIS_URL"]),
        on_startup=start,
        max_jobs=STREAMS,
    ).run()


if __name__ == "__main__":
    main()
