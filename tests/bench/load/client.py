"""The clients of the load generator: bare protocols that keep what comes and when it came, and do nothing else.

Whatever is looked at is looked at afterwards (`check`), so that the generator stays far from being the bottleneck.
"""

from __future__ import annotations

import asyncio
from time import time_ns
from typing import Any, cast

import orjson

HOST = "127.0.0.1"
_HEADERS = (
    b"host: 127.0.0.1\r\nconnection: close\r\naccept: */*\r\nx-api-key: bench\r\nanthropic-version: 2023-06-01\r\n"
)


def get(path: str) -> bytes:
    return b"GET %b HTTP/1.1\r\n%b\r\n" % (path.encode(), _HEADERS)


def post(path: str, body: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        path.encode(),
        _HEADERS,
        len(body),
        body,
    )


class Client(asyncio.Protocol):
    """One request; its answer as it came, read by read. Times are nanoseconds of the machine's clock."""

    __slots__ = ("_request", "ended", "parts", "sent", "times", "transport")

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.parts: list[bytes] = []
        self.times: list[int] = []
        self.sent = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from asyncio's
        self.sent = time_ns()
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.times.append(time_ns())
        self.parts.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.ended.done():
            self.ended.set_result(None)

    @property
    def raw(self) -> bytes:
        return b"".join(self.parts)

    @property
    def status(self) -> int:
        """0 before anything came."""
        return int(self.parts[0][9:12]) if self.parts else 0


async def send(port: int, request: bytes) -> Client:
    """A client whose request is on its way."""
    _, client = await asyncio.get_running_loop().create_connection(lambda: Client(request), HOST, port)
    return client


async def submit(port: int, path: str, body: bytes) -> tuple[str, int]:
    """Posts a prompt; returns where its events are, and when it was sent. Raises `OSError` where it was refused."""
    client = await send(port, post(path, body))
    await client.ended
    if client.status not in {200, 201, 202}:
        raise OSError(f"POST {path}: {client.raw[:500]!r}")
    answer: dict[str, Any] = orjson.loads(client.raw.partition(b"\r\n\r\n")[2])
    return answer["events_url"], client.sent


def prompt(tokens: int, *, rate: float, first: float, extra: str = "") -> dict[str, Any]:
    """A request for an answer of numbered, stamped tokens at a pace."""
    numbers = "".join(f" {n}" for n in range(tokens))
    directive = f'[[sim: text="{numbers}" stamp rate={rate:g} first={first:g} {extra}]]'
    return {
        "model": "claude-sonnet-5",
        "max_tokens": tokens + 16,
        "messages": [{"role": "user", "content": directive}],
    }
