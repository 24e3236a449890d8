"""(c) PyPI's fastapi-resumable-stream, used as its README says; its producers run in the web process.

Served by Starlette with the headers of its own `streaming_response`: FastAPI on top would only add to its cost.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from typing import Any

from anthropic import AsyncAnthropic
from fastapi_resumable_stream import ResumableStream
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.bench.contenders.serving import serve


def application(url: str) -> Starlette:
    claude = AsyncAnthropic(max_retries=0)
    streams = ResumableStream(Redis.from_url(url), ttl=600)

    async def call(body: dict[str, Any]) -> AsyncIterator[str]:
        async for event in await claude.messages.create(**body, stream=True):
            yield f"event: {event.type}\ndata: {event.model_dump_json()}\n\n"

    async def submit(request: Request) -> Response:
        body, stream_id = await request.json(), uuid.uuid4().hex
        await streams.start(stream_id, lambda: call(body))
        return JSONResponse({"id": stream_id, "events_url": f"/streams/{stream_id}/events"}, 202)

    async def events(request: Request) -> Response:
        resumed = await streams.resume(request.path_params["id"], after=int(request.query_params.get("after", "0")))
        if resumed is None:
            return Response(status_code=204)
        headers = {"Cache-Control": "no-cache", "Connection": "keep-alive", "X-Accel-Buffering": "no"}
        return StreamingResponse(resumed, media_type="text/event-stream", headers=headers)

    return Starlette(
        routes=[Route("/streams", submit, methods=["POST"]), Route("/streams/{id}/events", events, methods=["GET"])]
    )


if __name__ == "__main__":
    serve(application(os.environ["REDIS_URL"]))
