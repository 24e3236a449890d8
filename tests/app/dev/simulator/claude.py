"""A simulated Claude asked by the real SDK, and by bytes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from anthropic import AsyncAnthropic, AsyncStream

from app.dev.simulator import answer_for, pieces
from app.dev.simulator.reply import Pace

MODEL = "claude-opus-5-5"
AT_ONCE = Pace(rate=0, first=0)
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius"]}, "days": {"type": "integer"}},
    },
}


def asking(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 10_000, "messages": [{"role": "user", "content": prompt}], **more}


async def streamed(claude: AsyncAnthropic, prompt: str, **more: Any) -> list[Any]:
    return [event async for event in await claude.messages.create(**asking(prompt, **more), stream=True)]


async def raw_body(claude: AsyncAnthropic, prompt: str) -> bytes:
    async with claude.messages.with_streaming_response.create(**asking(prompt), stream=True) as response:
        return b"".join([part async for part in response.http_response.aiter_raw()])


async def raw_events(claude: AsyncAnthropic, prompt: str) -> list[tuple[str | None, str]]:
    async with claude.messages.with_streaming_response.create(**asking(prompt), stream=True) as response:
        return [(event.event, event.data) async for event in AsyncStream.raw_events(response.http_response)]


def text_of(events: list[Any]) -> str:
    return "".join(text_deltas(events))


def text_deltas(events: list[Any]) -> list[str]:
    deltas = (event.delta for event in events if event.type == "content_block_delta")
    return [delta.text for delta in deltas if delta.type == "text_delta"]


def text_in(message: Any) -> str:
    """The text of a Message's first block; the SDK's types allow for many other kinds."""
    return str(message.content[0].text)


def error_of(error: Any) -> Any:
    return error.body["error"]


def said(prompt: str) -> str:
    return answer_for([{"role": "user", "content": prompt}])


def expected(prompt: str, tokens: int) -> str:
    return "".join(pieces(said(prompt))[:tokens])


async def counts(http: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/_sim/calls")).json()
    return found


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def request_bytes(prompt: str) -> bytes:
    body = json.dumps(asking(prompt, stream=True)).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nx-api-key: x\r\nanthropic-version: 1\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def raw_call(url: str, prompt: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*address(url))
    writer.write(request_bytes(prompt))
    return reader, writer


async def chunks_of(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The chunks of a chunked body, each as it was framed."""
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()


def results_for(answer: Any, content: Any = "fine", **more: Any) -> dict[str, Any]:
    """The user's turn that answers each call of a Message."""
    uses = [block for block in answer.content if block.type == "tool_use"]
    told = [{"type": "tool_result", "tool_use_id": use.id, "content": content, **more} for use in uses]
    return {"role": "user", "content": told}


async def looped(claude: AsyncAnthropic, prompt: str, **more: Any) -> tuple[list[Any], list[Any]]:
    """The Messages of a whole loop of tools, and what was sent for the last."""
    asked = asking(prompt, **more)
    answers: list[Any] = []
    while not answers or answers[-1].stop_reason == "tool_use":
        if answers:
            turn = {"role": "assistant", "content": [block.model_dump() for block in answers[-1].content]}
            asked["messages"] += [turn, results_for(answers[-1], f"result {len(answers)}")]
        answers.append(await claude.messages.create(**asked))
    return answers, asked["messages"]
