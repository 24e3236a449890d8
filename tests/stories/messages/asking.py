"""The SDK asked twice, directly and through a relay, and what makes two answers alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx
from anthropic import AsyncAnthropic

from tests.harness.relay import Relay

MODEL = "claude-opus-5-5"
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
}


def sdk(url: str, **options: Any) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=url, api_key="the-clients-key", **{"max_retries": 0, **options})


def asking(directives: str = "", text: str = "", **more: Any) -> dict[str, Any]:
    content = f"[[sim: {directives}]] {text}" if directives else text
    tools = {"tools": [WEATHER]} if "tool" in directives else {}
    return {"model": MODEL, "max_tokens": 4096, "messages": [{"role": "user", "content": content}], **tools, **more}


async def both(
    direct: AsyncAnthropic, relayed: AsyncAnthropic, call: Callable[[AsyncAnthropic], Awaitable[Any]]
) -> tuple[Any, Any]:
    return await call(direct), await call(relayed)


def alike(value: Any) -> Any:
    """Without what every call makes anew: the message's id."""
    if isinstance(value, list):
        return [alike(one) for one in value]
    shown: dict[str, Any] = value if isinstance(value, dict) else value.model_dump()
    if isinstance(shown.get("message"), dict):
        return {**shown, "message": alike(shown["message"])}
    return {**shown, "id": "msg"} if str(shown.get("id")).startswith("msg_") else shown


async def events_of(client: AsyncAnthropic, body: dict[str, Any]) -> list[Any]:
    return [event async for event in await client.messages.create(**body, stream=True)]


async def simulated(relay: Relay, tag: str) -> dict[str, Any]:
    """What the simulator counted of the calls under a tag."""
    async with httpx.AsyncClient(base_url=relay.claude) as http:
        counted: dict[str, Any] = (await http.get("/_sim/calls")).json()["tags"].get(tag, {})
        return counted


def error_of(error: anthropic.APIStatusError) -> dict[str, str]:
    assert isinstance(error.body, dict)
    assert error.body["type"] == "error"
    found: dict[str, str] = error.body["error"]
    return found
