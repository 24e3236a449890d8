"""An MCP server that is a process of ours: its messages a line each, in and out.

The rule: a line has its bound and so have the lines of a second, whatever the server writes; where the library's own
transport would hold whatever comes. It has none of this process' environment but what every program needs and what its
entry names. It ends with its worker: its input is closed, then it is asked to, then it is made to, with all that it
started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage

from worker.tools.mcp.config import Server

LINE_BYTES_MAX = 4 * 1024 * 1024
# Answers to many calls at once, and what a server has to say beside them; a flood waits in its pipe.
AT_ONCE, A_SECOND = 500.0, 100.0
LEAVE_SECONDS = 1.0
LOOK_SECONDS = 0.02

Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]


class Process:
    """A server's process, which is ended once, by whoever comes first."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def end(self) -> None:
        """Bounded in time, and safe to call again."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        for how in (signal.SIGTERM, signal.SIGKILL):
            if await self._has_ended():
                break
            self.signal(how)
        self.signal(signal.SIGKILL)  # those that it started, in its group
        await self._has_ended()
        # Its pipes stay open for as long as anybody has their other end; nothing of the library closes them.
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001

    def signal(self, how: signal.Signals) -> None:
        """Sent to all of its group, also when it has ended itself."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, how)

    async def _has_ended(self) -> bool:
        """`Process.wait` also waits for the ends of its pipes, which its children may hold."""
        until = time.monotonic() + LEAVE_SECONDS
        while self._process.returncode is None and time.monotonic() < until:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(LOOK_SECONDS)
        return self._process.returncode is not None


async def started(server: Server) -> tuple[Process, asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises `OSError`."""
    with contextlib.ExitStack() as stack:
        # Opened once, at the server's start.
        errors = stack.enter_context(Path(server.stderr or os.devnull).open("ab"))  # noqa: ASYNC230
        process = await asyncio.create_subprocess_exec(
            server.command,
            *server.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**get_default_environment(), **server.env},
            cwd=server.cwd,
            limit=LINE_BYTES_MAX,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101  # for the type checker: they are pipes
    assert process.stdin is not None  # noqa: S101  # likewise
    return Process(process), process.stdout, process.stdin


@asynccontextmanager
async def spoken_with(
    stdout: asyncio.StreamReader, stdin: asyncio.StreamWriter, closed: asyncio.Event
) -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """What a session reads and writes. `closed` is set when nothing comes any more."""
    into, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, out_of = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group, incoming, outgoing:
        group.start_soon(_read, stdout, into, closed)
        group.start_soon(_write, stdin, out_of)
        try:
            yield incoming, outgoing
        finally:
            group.cancel_scope.cancel()


async def _read(
    stdout: asyncio.StreamReader, into: MemoryObjectSendStream[SessionMessage | Exception], closed: asyncio.Event
) -> None:
    pace = Pace()
    try:
        async with into:
            # Longer lines are `ValueError`, which is the end: where the next one begins is not to be known.
            while line := await stdout.readline():
                await pace.wait()
                with contextlib.suppress(ValueError):  # what is no message is nothing to us
                    message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                    await into.send(SessionMessage(message))
    except (ValueError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # the session hears the end
    finally:
        closed.set()


async def _write(stdin: asyncio.StreamWriter, out_of: MemoryObjectReceiveStream[SessionMessage]) -> None:
    with contextlib.suppress(OSError, anyio.ClosedResourceError):
        async with out_of:
            async for one in out_of:
                stdin.write(one.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await stdin.drain()


class Pace:
    """So many at once, and so many a second beyond."""

    def __init__(self) -> None:
        self._left, self._at = AT_ONCE, time.monotonic()

    async def wait(self) -> None:
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * A_SECOND, AT_ONCE) - 1
        self._at = now
        if self._left < 0:
            await asyncio.sleep(-self._left / A_SECOND)
