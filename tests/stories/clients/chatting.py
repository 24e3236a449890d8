"""The Vercel AI SDK in Node: a chat of it, and what the server says of it."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import httpx

from tests.harness import node
from tests.patience import PATIENCE

PROMPT = "Grüße 東京 👋 [[sim: tokens=80 rate=400 first=0.05]]"
ENDLESS = "Long [[sim: tokens=4000 rate=100 first=0.02]]"
TOOL = {"name": "get_weather", "description": "The weather", "input_schema": {"type": "object", "properties": {}}}


async def in_node(address: str, scenario: str, **asked: Any) -> Any:
    return await node.run("ai_sdk.mjs", address, scenario, json.dumps(asked | {"chat": asked.get("chat", new_chat())}))


def new_chat() -> str:
    return uuid.uuid4().hex


def stream_of(told: dict[str, Any]) -> str:
    stream_id: str = told["messages"][-1]["metadata"]["streamId"]
    return stream_id


async def text_of(http: httpx.AsyncClient, stream_id: str) -> str:
    message = (await http.get(f"/v1/streams/{stream_id}/message")).json()
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def asking(chat: str, prompt: str, **more: Any) -> dict[str, Any]:
    message = {"id": "u1", "role": "user", "parts": [{"type": "text", "text": prompt}]}
    return {"id": chat, "messages": [message], "trigger": "submit-message"} | more


async def ended(http: httpx.AsyncClient, stream_id: str) -> dict[str, Any]:
    """How a stream ended, once it has."""
    async with asyncio.timeout(PATIENCE), http.stream("GET", f"/v1/streams/{stream_id}/events") as answer:
        await answer.aread()
    found: dict[str, Any] = (await http.get(f"/v1/streams/{stream_id}")).json()
    return found
