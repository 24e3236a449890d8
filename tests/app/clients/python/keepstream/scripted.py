"""A server that says, connection after connection, exactly what a test has written down, to whoever asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Self

from tests.patience import PATIENCE

STREAM = "st_00000000000000000000000000000001"
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
END = 'event: relay.end\ndata: {"outcome":"completed"}\nid: 9\n\n'
# After its bytes a connection stays, and nothing more is said on it.
HANGS = b"\0hangs"
PIECE = 64 * 1024


def frame(text: str, event_id: int | str, *, line: str = "\n") -> str:
    data = f'{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}'
    return f"event: content_block_delta{line}data: {data}{line}id: {event_id}{line}{line}"


def events(*frames: str, cut: int = 0, hangs: bool = False) -> bytes:
    """An answer of events, without its last `cut` bytes."""
    body = "".join(("retry: 1\n: stream\n\n", *frames)).encode()
    return EVENTS + (body[:-cut] if cut else body) + (HANGS if hangs else b"")


def whole(status: str, body: str = "", **headers: str) -> bytes:
    named = {"content-type": "application/json", "connection": "close", "content-length": str(len(body.encode()))}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {**named, **headers}.items()]
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "", body)).encode()


def refusal(status: str, kind: str, message: str, **headers: str) -> bytes:
    body = f'{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_1"}}'
    return whole(status, body, **headers)


class Scripted:
    """Answers the first connection with the first of `answers`, and so on; the last one again and again."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.heads: list[str] = []
        self.left = asyncio.Semaphore(0)
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def sent(self, name: str) -> Sequence[str | None]:
        """This header of each request, in their order."""
        return [_header(head, name) for head in self.heads]

    async def was_left(self) -> None:
        """Returns once a client has closed its connection."""
        async with asyncio.timeout(PATIENCE):
            await self.left.acquire()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._tasks.append(asyncio.create_task(self._say(reader, writer)))

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            await reader.readexactly(int(_header(head, "content-length") or 0))
            self.heads.append(head)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            try:
                said = memoryview(answer.removesuffix(HANGS))
                for at in range(0, len(said), PIECE):
                    writer.write(said[at : at + PIECE])
                    await writer.drain()
                if answer.endswith(HANGS):
                    await reader.read()
            finally:
                if answer.endswith(HANGS):
                    self.left.release()
        writer.close()


def _header(head: str, name: str) -> str | None:
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return None
