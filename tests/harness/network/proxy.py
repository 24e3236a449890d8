"""A TCP proxy of ours, to stand between any two processes and to fail on demand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Self

READ_BYTES = 64 * 1024
# SO_LINGER with no time: closing sends a reset instead of an end.
RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a free port and passes bytes to `target`; `async with` ends it."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        # When each connection spoke last, and its tasks.
        self._spoke: dict[tuple[asyncio.StreamWriter, ...], float] = {}
        self._ways: dict[tuple[asyncio.StreamWriter, ...], set[asyncio.Task[None]]] = {}

    @property
    def connections(self) -> int:
        return len(self._writers) // 2

    @property
    def held(self) -> int:
        """How many bytes wait for somebody who does not take them."""
        return sum(writer.transport.get_write_buffer_size() for writer in self._writers)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """Resets every connection at once."""
        for writer in list(self._writers):
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    def stall(self) -> None:
        """Holds all bytes back, on connections that stay open, until `flow`."""
        self._flowing.clear()

    def silence(self) -> None:
        """Swallows all bytes of the connections there are, for ever, and keeps them open: half-open. New ones work."""
        for task in self._tasks:
            task.set_name("silent")

    def sleep(self) -> None:
        """As `silence`, of the connection that spoke last; the others end, as browsers give up idle ones in a sleep."""
        if not self._spoke:
            return
        *others, last = sorted(self._spoke, key=lambda both: self._spoke[both])
        for task in self._tasks:
            if task in self._ways[last]:
                task.set_name("silent")
        for both in others:
            for writer in both:
                writer.close()

    def flow(self) -> None:
        self._flowing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, out = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, out}
        both = (writer, out)
        self._spoke[both], self._ways[both] = 0.0, set()
        for source, sink in ((reader, out), (onward, writer)):
            task = asyncio.create_task(self._pass(source, sink, both))
            self._ways[both].add(task)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, both: tuple[asyncio.StreamWriter, ...]
    ) -> None:
        me = asyncio.current_task()
        assert me is not None
        try:
            while data := await source.read(READ_BYTES):
                await self._flowing.wait()
                if me.get_name() == "silent":
                    continue
                if both in self._spoke:
                    self._spoke[both] = asyncio.get_running_loop().time()
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            for writer in both:
                writer.close()
                self._writers.discard(writer)
            self._spoke.pop(both, None)
            self._ways.pop(both, None)
