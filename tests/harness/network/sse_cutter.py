"""A proxy that cuts event streams after so many bytes: in the middle of frames, ids and letters."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterable
from typing import Self
from urllib.parse import urlsplit

READ_BYTES = 64 * 1024
# SO_LINGER with no time: closing sends a reset instead of an end.
RESET = struct.pack("ii", 1, 0)
EVENTS = b"text/event-stream"


class CuttingProxy:
    """Passes connections to `target`; each answer of events is cut after the next of `cuts`, while there are any.

    Every other cut is a reset, the others just close. What is no stream of events passes as it is.
    """

    def __init__(self, target: str, cuts: Iterable[int]) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._cuts = iter(cuts)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self.heads: list[str] = []
        self.cut = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def last_event_ids(self) -> list[str | None]:
        """The Last-Event-ID of each request for events, in their order."""
        return [_header(head, "last-event-id") for head in self.heads if "/events" in head.partition("\r\n")[0]]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, out = await asyncio.open_connection(*self._target)
        up = asyncio.create_task(self._ask(reader, out))
        try:
            with contextlib.suppress(OSError):
                await self._answer(onward, writer)
        finally:
            up.cancel()
            out.transport.abort()
            writer.close()

    async def _ask(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                if data.startswith((b"GET ", b"POST ", b"DELETE ")):
                    self.heads.append(data.partition(b"\r\n\r\n")[0].decode("latin-1"))
                out.write(data)
            out.write_eof()

    async def _answer(self, onward: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left: int | None = None
        begun = False
        while data := await onward.read(READ_BYTES):
            if not begun and EVENTS in data:
                begun, left = True, next(self._cuts, None)
            if left is not None and len(data) >= left:
                writer.write(data[:left])
                await writer.drain()
                self.cut += 1
                if self.cut % 2:
                    await _reset(writer)
                return
            writer.write(data)
            await writer.drain()
            if left is not None:
                left -= len(data)


async def _reset(writer: asyncio.StreamWriter) -> None:
    # A reset throws away what is not sent yet: with no room for a buffer, draining is sending.
    writer.transport.set_write_buffer_limits(0)
    await writer.drain()
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


def _header(head: str, name: str) -> str | None:
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return None
