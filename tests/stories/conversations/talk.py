"""A conversation as a client has it, and a tab that reads it."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

import httpx
import orjson

from app.stream import keys
from tests.harness.api import Api
from tests.patience import PATIENCE

LEASE_SECONDS = 1.0
NOW = "rate=0 first=0"
GO_ON = {"continue": True}
STALLED = f"[[sim: stall-after=3 tokens=9 {NOW}]]"


class Talk:
    """One conversation, as a client has it."""

    def __init__(self, api: Api, shown: dict[str, Any]) -> None:
        self.api = api
        self.id: str = shown["id"]
        self.path = f"/v1/conversations/{self.id}"

    @classmethod
    async def begin(cls, api: Api, **fields: Any) -> Talk:
        answer = await api.call("POST", "/v1/conversations", json=fields)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"/v1/conversations/{answer.json()['id']}"
        return cls(api, answer.json())

    async def send(self, key: str | None = None, **body: Any) -> httpx.Response:
        headers = {"idempotency-key": key} if key else None
        return await self.api.call("POST", f"{self.path}/messages", json=body, headers=headers)

    async def say(self, text: str = "", **body: Any) -> dict[str, Any]:
        """Says something, and waits for the ending of its stream."""
        text = text if "[[sim:" in text else f"{text} [[sim: tokens=3 {NOW}]]"
        sent = await self.start(content=text, **body)
        await self.api.see(sent["id"])
        return sent

    async def start(self, **body: Any) -> dict[str, Any]:
        answer = await self.send(**body)
        assert answer.status_code == 202, answer.text
        sent: dict[str, Any] = answer.json()
        return sent

    async def show(self) -> dict[str, Any]:
        answer = await self.api.call("GET", self.path)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.show())["messages"]
        return found

    async def kept(self) -> list[dict[str, Any]]:
        """The messages, from Redis: nobody is asked who could add an answer."""
        raw = await self.api.cluster.redis.lrange(keys.messages(self.id), 0, -1)  # type: ignore[misc]
        return [orjson.loads(one) for one in raw]

    async def until_text(self, stream_id: str) -> None:
        """Waits until the answer has begun: one that is cancelled before leaves nothing to keep."""
        async with asyncio.timeout(PATIENCE):
            while b"text_delta" not in (await self.api.cluster.redis.get(keys.log(stream_id)) or b""):
                await asyncio.sleep(0.01)

    async def until_answered(self, count: int) -> list[dict[str, Any]]:
        """Waits until so many messages are kept, whoever adds the last."""
        async with asyncio.timeout(PATIENCE):
            while len(found := await self.kept()) < count:
                await asyncio.sleep(0.01)
        return found


class Tab:
    """Reads a conversation's events over one connection."""

    def __init__(self, talk: Talk, front: int = 0, after: str = "") -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.last_id = after
        self.ended = asyncio.Event()
        self.opened = asyncio.Event()
        port = talk.api.cluster.front_proxies[front].port
        self._url = f"http://127.0.0.1:{port}{talk.path}/events"
        self._task = asyncio.create_task(self._read())

    async def __aenter__(self) -> Self:
        await asyncio.wait_for(self.opened.wait(), PATIENCE)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    async def until(self, name: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while self.names.count(name) < count:
                await asyncio.sleep(0.01)
        return [data for one, data in self.events if one == name][count - 1]

    async def _read(self) -> None:
        headers = {"last-event-id": self.last_id} if self.last_id else None
        async with (
            httpx.AsyncClient(timeout=PATIENCE) as http,
            http.stream("GET", self._url, headers=headers) as answer,
        ):
            assert answer.status_code == 200
            name = ""
            async for line in answer.aiter_lines():
                self.opened.set()
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    self.events.append((name, json.loads(line[6:])))
                elif line.startswith("id: "):
                    self.last_id = line[4:]
        self.ended.set()


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return ["".join(block.get("text", "") for block in message["content"]) for message in messages]
