"""(a) What everybody writes first: the endpoint calls the API and forwards its stream to the one who asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
from httpx2 import Limits
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench.contenders.serving import serve


def application() -> Starlette:
    # By default the SDK stops at 1,000 connections: as many clients, and the next one waits without a word.
    claude = AsyncAnthropic(max_retries=0, http_client=DefaultAsyncHttpxClient(limits=Limits(max_connections=None)))

    async def chat(request: Request) -> Response:
        body = await request.json()

        async def events() -> AsyncIterator[dict[str, str]]:
            async for event in await claude.messages.create(**body, stream=True):
                yield {"event": event.type, "data": event.model_dump_json()}

        return EventSourceResponse(events())

    return Starlette(routes=[Route("/chat", chat, methods=["POST"])])


if __name__ == "__main__":
    serve(application())
