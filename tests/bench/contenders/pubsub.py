"""(b) What most people write next: an arq job fills a Redis stream and publishes; each client has its own subscription.

Written as well as it usually is, and a little better: the subscription comes before the history, so nothing is lost in
between; one round trip an event; a number on each, so nothing is shown twice. `pubsub_job` is its worker.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator

import orjson
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from redis.asyncio import Redis
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.bench.contenders.serving import serve


def application(url: str) -> Starlette:
    redis = Redis.from_url(url)
    pools: list[ArqRedis] = []

    async def submit(request: Request) -> Response:
        if not pools:
            pools.append(await create_pool(RedisSettings.from_dsn(url)))
        stream_id = uuid.uuid4().hex
        await pools[0].enqueue_job("run", stream_id, await request.json(), _job_id=stream_id)
        return JSONResponse({"id": stream_id, "events_url": f"/streams/{stream_id}/events"}, 202)

    async def events(request: Request) -> Response:
        stream_id = request.path_params["id"]
        after = int(request.headers.get("last-event-id", "0"))
        return EventSourceResponse(read(redis, stream_id, after))

    return Starlette(
        routes=[Route("/streams", submit, methods=["POST"]), Route("/streams/{id}/events", events, methods=["GET"])]
    )


async def read(redis: Redis, stream_id: str, last: int) -> AsyncIterator[dict[str, str]]:
    pubsub = redis.pubsub()
    try:
        await pubsub.subscribe(f"channel:{stream_id}")
        for _, fields in await redis.xrange(f"stream:{stream_id}", min=f"({last}-0" if last else "-"):
            event = orjson.loads(fields[b"e"])
            if event["event"] == "end":
                return
            last = int(event["id"])
            yield event
        async for message in pubsub.listen():
            if message["type"] != "message":
                continue
            event = orjson.loads(message["data"])
            if event["event"] == "end":
                return
            if int(event["id"]) > last:
                last = int(event["id"])
                yield event
    finally:
        await pubsub.aclose()


if __name__ == "__main__":
    serve(application(os.environ["REDIS_URL"]))
