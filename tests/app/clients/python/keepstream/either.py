"""Both of our Python clients behind one face, so that each promise is told of both by one test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest

from app.clients.python.keepstream import AsyncClient, Client, Event

_OVER = object()


class Either:
    """What a test awaits of a client of whichever kind; a client that blocks does so in a thread."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self.client = client

    async def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Calls `submit`, `conversations.say`, …"""
        found: Any = self.client
        for name in method.split("."):
            found = getattr(found, name)
        if isinstance(self.client, Client):
            return await asyncio.to_thread(found, *arguments, **named)
        return await found(*arguments, **named)

    async def events(self, stream_id: str, *, by: str = "events", **named: Any) -> AsyncGenerator[Event]:
        """What `events`, or `follow`, has."""
        found = getattr(self.client, by)(stream_id, **named)
        if isinstance(self.client, AsyncClient):
            async with found:
                async for event in found:
                    yield event
            return
        with found:
            while (event := await asyncio.to_thread(next, found, _OVER)) is not _OVER:
                yield event

    async def all(self, stream_id: str, **named: Any) -> list[Event]:
        return [event async for event in self.events(stream_id, **named)]

    async def close(self) -> None:
        if isinstance(self.client, AsyncClient):
            await self.client.aclose()
        else:
            self.client.close()


Make = Callable[..., Either]


@pytest.fixture(params=[Client, AsyncClient], ids=["blocking", "awaiting"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Makes clients of one kind and then of the other, and closes them."""
    made: list[Either] = []

    def one(address: str, **given: Any) -> Either:
        made.append(Either(request.param(address, **given)))
        return made[-1]

    yield one
    for client in made:
        await client.close()
