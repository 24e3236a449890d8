"""An issuer of tokens that shows its keys over HTTP, and may be away, slow, or send what is no set of keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from tests.harness.identity.tokens import ec_key, public, set_of

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Issuer:
    """Shows its keys, as `answer` has it, and counts who asks."""

    def __init__(self) -> None:
        self.asked = 0
        self.url = ""
        self.shows(public(ec_key(), "e"))

    def shows(self, *keys: dict[str, object], **more: str) -> None:
        self.says(set_of(*keys).encode(), **more)

    def says(self, body: bytes, status: str = "200 OK", **headers: str) -> None:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status}\r\n{lines}content-length: {len(body)}\r\nconnection: close\r\n\r\n"

        async def answer(writer: asyncio.StreamWriter) -> None:
            writer.write(head.encode() + body)
            await writer.drain()

        self.answer: Answer = answer

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/keys"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            await self.answer(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
