"""What the tests of this face share: a client, and what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson

from tests.app.served import Author, Event, Served, until
from tests.patience import PATIENCE

START: Event = ("message_start", {"type": "message_start", "message": {"id": "msg_1"}})
STOP: Event = ("message_stop", {"type": "message_stop"})


def text(words: str) -> Event:
    return ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"text": words}})


def path(author: Author) -> str:
    return f"/v1/streams/{author.stream_id}/log"


async def get(front: Served, address: str, headers: dict[str, str] | None = None, **asked: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
        return await http.get(address, params=asked or None, headers=headers)


def types(found: Any) -> list[str]:
    return [message["type"] for message in found]


@asynccontextmanager
async def waiting(front: Served, author: Author, **asked: str) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """A request that waits; the tail of its stream is up to date when this begins."""
    task = asyncio.create_task(get(front, path(author), **{"live": "long-poll", **asked}))
    await until(lambda: front.hub.known(author.stream_id))
    try:
        yield task
    finally:
        task.cancel()


class Events:
    """An SSE answer as it comes: each event's name with its data."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._blocks = self._read()

    async def next(self) -> tuple[str, Any]:
        return await anext(self._blocks)

    async def rest(self) -> list[tuple[str, Any]]:
        """What comes until the connection ends."""
        return [event async for event in self._blocks]

    async def _read(self) -> AsyncIterator[tuple[str, Any]]:
        text = ""
        async for piece in self.answer.aiter_text():
            *blocks, text = (text + piece).split("\n\n")
            for block in blocks:
                name, *data = block.split("\n")
                if name.startswith("event: "):
                    yield name.removeprefix("event: "), orjson.loads("\n".join(line[5:] for line in data))
        assert text == ""


@asynccontextmanager
async def events(front: Served, author: Author, **asked: str) -> AsyncIterator[Events]:
    async with (
        httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http,
        http.stream("GET", path(author), params={"live": "sse", **asked}) as answer,
    ):
        yield Events(answer)
