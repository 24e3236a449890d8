"""One MCP server: begun, spoken with, and begun again when it is gone.

The rule: its tools are there while it is. Whatever it does not answer in time, and whatever ends it, is the same: it is
gone, and tried again after a pause that grows. A call that is under way then has a fault for a result.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import mcp_types
from mcp import ClientSession

from app.stream.concurrency.tasks import Pause
from app.stream.observing import tell
from app.watch.events import of_processes
from worker.tools.mcp.config import Server
from worker.tools.mcp.content import blocks_of
from worker.tools.mcp.http import connected
from worker.tools.mcp.listing import TOOLS_MAX, Listed, listed
from worker.tools.mcp.stdio import Process, spoken_with, started
from worker.tools.running.answer import Blocks
from worker.tools.tool import ToolContext
from worker.tools.toolbox import Runnable

START_SECONDS = 20.0
ANSWER_SECONDS = 10.0
# So often it is asked whether it is still there.
PING_SECONDS = 15.0
# Its list is not asked for more often, however often it says that it has changed.
LIST_SECONDS = 1.0
PAGES_MAX = 20
PAUSE_SECONDS, PAUSE_SECONDS_MAX, STEADY_SECONDS = 1.0, 60.0, 60.0


class GoneError(Exception):
    """The server is not there. Its words are for the model."""


class Connection:
    """Of one server; `changed` is called whenever its tools are others."""

    def __init__(self, server: Server, changed: Callable[[], None]) -> None:
        self.server = server
        self.tools: Mapping[str, Runnable] = {}
        self.tried = asyncio.Event()  # once: it is there, or is not
        self.process: Process | None = None
        self._changed = changed
        self._session: ClientSession | None = None
        self._stir = asyncio.Event()
        self._relist = False
        self._closed = asyncio.Event()
        self._left_out: Mapping[str, str] = {}
        self._pause = Pause(PAUSE_SECONDS, PAUSE_SECONDS_MAX)

    async def keep(self) -> None:
        """For as long as the process lives."""
        loop = asyncio.get_running_loop()
        was_there = True
        while True:
            since = loop.time()
            why = ""
            try:
                await self._once()
            except Exception as error:  # noqa: BLE001  # whatever somebody's server and the library make of it
                why = _why(error)
            finally:
                there, self._session = bool(self._session), None
                await self._end_process()
                self._offer({})
            self.tried.set()
            if there or was_there:
                tell(of_processes.McpServerGone(self.server.name, why))
            was_there = there
            if loop.time() - since >= STEADY_SECONDS:
                self._pause.reset()
            await self._pause.wait()

    async def call(self, theirs: str, arguments: Mapping[str, Any], _context: ToolContext) -> Blocks:
        """What the server says to a call. Raises `GoneError`, and what the library does."""
        session = self._session
        if session is None:
            raise GoneError(f"the MCP server {self.server.name} is not there now")
        # Not `call_tool`: that holds an answer against the schema that its server told, with the server's own
        # patterns, on the loop of all streams.
        request = mcp_types.CallToolRequest(
            params=mcp_types.CallToolRequestParams(name=theirs, arguments=dict(arguments))
        )
        return blocks_of(await session.send_request(request, mcp_types.CallToolResult))

    async def _once(self) -> None:
        """From its beginning to its end."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(START_SECONDS):
                streams = await stack.enter_async_context(self._transport())
                session = await stack.enter_async_context(ClientSession(*streams, message_handler=self._heard))
                await session.initialize()
                await self._list(session)
            self._session = session
            tell(of_processes.McpServerThere(self.server.name, len(self.tools)))
            self.tried.set()
            while not self._closed.is_set():
                await self._until_stirred()
                if self._closed.is_set():
                    break
                async with asyncio.timeout(ANSWER_SECONDS):
                    if self._relist:
                        await asyncio.sleep(LIST_SECONDS)
                        await self._list(session)
                    else:
                        await session.send_ping()

    @asynccontextmanager
    async def _transport(self) -> AsyncIterator[tuple[Any, Any]]:
        self._closed.clear()
        self._relist = False
        if self.server.url:
            async with connected(self.server) as streams:
                yield streams
            return
        self.process, stdout, stdin = await started(self.server)
        closed = _Told(self._closed, self._stir)
        async with spoken_with(stdout, stdin, closed) as streams:
            yield streams

    async def _until_stirred(self) -> None:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._stir.wait()
        except TimeoutError:
            pass
        self._stir.clear()

    async def _heard(self, message: object) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._relist = True
            self._stir.set()

    async def _list(self, session: ClientSession) -> None:
        self._relist = False
        found: list[mcp_types.Tool] = []
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            request = mcp_types.ListToolsRequest(params=mcp_types.PaginatedRequestParams(cursor=cursor))
            page = await session.send_request(request, mcp_types.ListToolsResult)
            found += page.tools
            cursor = page.next_cursor
            if not cursor or len(found) > TOOLS_MAX:
                break
        # In a thread: what its patterns take to be made is the server's to choose.
        tools, left_out = await asyncio.to_thread(listed, self.server, found)
        for name, why in left_out.items():
            if self._left_out.get(name) != why:
                tell(of_processes.ToolLeftOut(name, why))
        self._left_out = left_out
        self._offer({name: self._runnable(one) for name, one in tools.items()})

    def _runnable(self, one: Listed) -> Runnable:
        return Runnable(one.tool, one.schema, partial(self.call, one.theirs))

    def _offer(self, tools: Mapping[str, Runnable]) -> None:
        if self.tools or tools:
            self.tools = tools
            self._changed()

    async def _end_process(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            try:
                await process.end()
            except BaseException:
                self.process = process  # who ends us ends it
                raise


class _Told(asyncio.Event):
    """Stirs another when it is set."""

    def __init__(self, closed: asyncio.Event, stir: asyncio.Event) -> None:
        super().__init__()
        self._others = (closed, stir)

    def set(self) -> None:
        super().set()
        for other in self._others:
            other.set()


def _why(error: BaseException) -> str:
    """In a word: the class of what is at the bottom of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
