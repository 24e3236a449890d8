"""An MCP server at an address: spoken with by streamable HTTP, with its headers, and bounded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import orjson
import pytest
import uvicorn

from app.watch.events.of_processes import McpServerGone
from tests.harness.heard import heard
from tests.worker.tools.mcp import honest
from worker.tools.mcp import connection as connection_module
from worker.tools.mcp.config import Server
from worker.tools.mcp.http import ANSWER_BYTES_MAX, Bounded
from worker.tools.mcp.servers import Servers
from worker.tools.tool import Call
from worker.tools.toolbox import Toolbox


@asynccontextmanager
async def served(asked: list[dict[bytes, bytes]]) -> AsyncIterator[str]:
    """The honest server's address; `asked`: the headers of what was asked of it."""
    app = honest.server.streamable_http_app()

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.append(dict(scope["headers"]))
        await app(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(uvicorn.Config(listening, log_config=None, timeout_graceful_shutdown=1))
        task = asyncio.create_task(running.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        finally:
            running.should_exit = True
            await task


async def test_its_tools_are_called_with_its_headers_and_gone_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "PING_SECONDS", 0.1)
    asked: list[dict[bytes, bytes]] = []
    with heard() as told:
        async with served(asked) as url:
            servers = Servers([Server("far", url=url, headers={"Authorization": "Bearer tok"})], lambda: None)
            await servers.__aenter__()
            box = Toolbox(others=servers.tools)
            result = await box.run(Call("st_1", "ann", "toolu_1", "far__add", b'{"a":2,"b":3}'))
            assert orjson.loads(result.content) == [{"type": "text", "text": "5"}]
            assert {one[b"authorization"] for one in asked} == {b"Bearer tok"}
        while box.offered:
            await asyncio.sleep(0.01)
        await servers.__aexit__()
    assert [event.server for event in told if isinstance(event, McpServerGone)] == ["far"]


@pytest.mark.parametrize("kind", ["application/json", "text/html", ""])
async def test_an_answer_has_its_bound(kind: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=endless())

    async with httpx2.AsyncClient(transport=Bounded(httpx2.MockTransport(answer))) as client:
        with pytest.raises(httpx2.ReadError, match=str(ANSWER_BYTES_MAX)):
            await client.get("http://mcp.example/")
