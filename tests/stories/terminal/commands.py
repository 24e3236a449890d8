"""Conversations by HTTP, beside what is typed, and commands that run to their end."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Any

import httpx

from tests.harness.running import KEEPSTREAM, clean_environment
from tests.patience import PATIENCE

NOW = "[[sim: rate=0 first=0]]"
# Begins, and says nothing more until it is stopped.
STALLED = '[[sim: text="Alpha beta gamma delta" stall-after=2 rate=0 first=0]]'


async def begin(http: httpx.AsyncClient, text: str | None = None) -> tuple[str, str]:
    """A conversation, and the stream of its first message."""
    made = (await http.post("/v1/conversations", json={})).json()["id"]
    return made, await say(http, made, text) if text else ""


async def say(http: httpx.AsyncClient, conversation_id: str, text: str) -> str:
    sent = await http.post(f"/v1/conversations/{conversation_id}/messages", json={"content": text})
    assert sent.status_code == httpx.codes.ACCEPTED, sent.text
    return str(sent.json()["id"])


async def messages(http: httpx.AsyncClient, conversation_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await http.get(f"/v1/conversations/{conversation_id}")).json()["messages"]
    return found


def text_of(message: dict[str, Any]) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


async def run(url: str, *arguments: str, given: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """A command between two pipes."""
    return await asyncio.to_thread(
        subprocess.run,
        [*KEEPSTREAM, *arguments],
        input=given,
        env=clean_environment(KEEPSTREAM_URL=url, **settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
