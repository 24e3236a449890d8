"""A proxy before Redis that knows commands, and takes the connection away at one of them.

Before it is executed, or when it was and its reply is on its way.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Self

import hiredis

# Of the connection, and not of what is done over it.
_NOT_COUNTED = frozenset({b"HELLO", b"AUTH", b"CLIENT", b"SELECT", b"PING", b"SUBSCRIBE", b"UNSUBSCRIBE", b"INFO"})
READ_BYTES = 256 * 1024


class Cutter:
    """`async with`: passes to the Redis at `host`:`port`, until a command is reached that was named by `arm`."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.count = 0
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._number = 0
        self.after = self.for_long = self.away = False

    def arm(self, number: int, *, after: bool, for_long: bool) -> None:
        """Cuts at the command of this number, counted from here; `for_long`: nobody gets through until `back`."""
        self.count, self._number, self.after, self.for_long = 0, number, after, for_long

    def back(self) -> None:
        self._number, self.away = 0, False

    @property
    def was_reached(self) -> bool:
        return self.count >= self._number > 0

    def is_here(self) -> bool:
        """Counts a command; whether it is the one."""
        self.count += 1
        return self.count == self._number

    def cut(self) -> None:
        self.away = self.for_long
        for pair in list(self._pairs):
            if self.for_long or pair.cutting:
                pair.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for pair in list(self._pairs):
            pair.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.transport.abort()
            return
        onward, out = await asyncio.open_connection(*self.target)
        pair = _Pair(self, writer, out)
        self._pairs.add(pair)
        with contextlib.suppress(OSError):
            await asyncio.gather(pair.up(reader), pair.down(onward))
        pair.close()
        self._pairs.discard(pair)


class _Pair:
    """A connection, and the one that goes on from it."""

    def __init__(self, cutter: Cutter, client: asyncio.StreamWriter, redis: asyncio.StreamWriter) -> None:
        self.cutting = False
        self._cutter = cutter
        self._client, self._redis = client, redis
        self._waits = 0  # for so many replies, before the cut
        self._asked = self._replied = 0
        self._rest = b""
        self._replies = hiredis.Reader()

    def close(self) -> None:
        self._client.transport.abort()
        self._redis.transport.abort()

    async def up(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(READ_BYTES):
            for command, raw in self._commands(data):
                if command not in _NOT_COUNTED and self._cutter.is_here():
                    self.cutting = True
                    if not self._cutter.after:
                        self._cutter.cut()
                        return
                    self._waits = self._asked + 1
                if self.cutting and not self._waits:
                    return
                self._asked += 1
                self._redis.write(raw)
                if self._waits:
                    break  # what comes behind it in a pipeline never arrives
            await self._redis.drain()
        self.close()

    async def down(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(READ_BYTES):
            self._replies.feed(data)
            while self._replies.gets() is not False:
                self._replied += 1
            if self._waits and self._replied >= self._waits:
                self._cutter.cut()
                return
            if not self.cutting:
                self._client.write(data)
                await self._client.drain()
        self.close()

    def _commands(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Whole commands, each with its name."""
        self._rest += data
        while (parsed := _command(self._rest)) is not None:
            name, length = parsed
            raw, self._rest = self._rest[:length], self._rest[length:]
            yield name, raw


def _command(data: bytes) -> tuple[bytes, int] | None:
    """The name and the length of the command that `data` begins with; None where it is not whole."""
    end = data.find(b"\r\n")
    if end < 0:
        return None
    at, name = end + 2, b""
    for _ in range(int(data[1:end])):
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        length = int(data[at + 1 : end])
        part = data[end + 2 : end + 2 + length]
        at = end + 2 + length + 2
        if at > len(data):
            return None
        name = name or part.upper()
    return name, at
