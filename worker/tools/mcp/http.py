"""An MCP server at an address, by streamable HTTP.

The rule: the library's transport, with answers that have a bound; nothing of a server sends us elsewhere with its
headers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from worker.tools.mcp.config import Server

ANSWER_BYTES_MAX = 4 * 1024 * 1024
CONNECT_SECONDS = 10.0
# Of a stream on which a server says something when it has something to say.
SILENT_SECONDS = 300.0


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[tuple[Any, Any]]:
    """What a session reads and writes."""
    async with (
        httpx2.AsyncClient(
            headers=dict(server.headers),
            timeout=httpx2.Timeout(CONNECT_SECONDS, read=SILENT_SECONDS),
            transport=Bounded(httpx2.AsyncHTTPTransport()),
        ) as client,
        streamable_http_client(server.url, http_client=client, max_sse_event_size=ANSWER_BYTES_MAX) as streams,
    ):
        yield streams


class Bounded(httpx2.AsyncBaseTransport):
    """Whole answers end at their bound; streams of events have one for each event (the library's)."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101  # for the type checker
            response.stream = _Counted(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        room = ANSWER_BYTES_MAX
        async for piece in self._inner:
            room -= len(piece)
            if room < 0:
                raise httpx2.ReadError(f"the answer has more than {ANSWER_BYTES_MAX} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()
