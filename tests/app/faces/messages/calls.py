"""Calls of the Messages API as its clients make them, and the worker's side of each."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson

from app.stream.log import State
from tests.app.served import Author, Served, until

START = ("message_start", {"type": "message_start", "message": {"id": "msg_1"}})
HELLO = ("content_block_delta", {"type": "content_block_delta", "delta": {"text": "Hello"}})
WORLD = ("content_block_delta", {"type": "content_block_delta", "delta": {"text": "world"}})
STOP = ("message_stop", {"type": "message_stop"})
RETRY = ("relay.retry", {"attempt": 2, "reason": "overloaded_error", "retry_in_ms": 500})
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
BODY = {"model": "claude-sonnet-5", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def asking(*, stream: bool = True, **more: Any) -> dict[str, Any]:
    return BODY | {"stream": stream} | more


def keyed(key: str = "mine", **headers: str) -> dict[str, str]:
    return {"idempotency-key": key} | headers


def post(http: httpx.AsyncClient, body: Any = None, **options: Any) -> asyncio.Task[httpx.Response]:
    """A call under way; its answer is read to the end."""
    return asyncio.create_task(http.post("/v1/messages", json=asking() if body is None else body, **options))


def wire(*events: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data)) for name, data in events)


def last_event(body: bytes) -> tuple[str, Any]:
    """The name and the data of the last event."""
    name, data = body.rstrip(b"\n").rsplit(b"\n\n", 1)[-1].split(b"\n")
    return name.removeprefix(b"event: ").decode(), orjson.loads(data.removeprefix(b"data: "))


def error_of(response: httpx.Response) -> dict[str, str]:
    """The error of an answer in the shape of the API's."""
    body = response.json()
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    error: dict[str, str] = body["error"]
    return error


async def begin(front: Served) -> Author:
    """The worker of the next stream, once it has written the first content."""
    author = await front.author()
    await author.write(START, HELLO)
    return author


async def is_cancelled(front: Served, stream_id: str) -> bool:
    meta = await front.log.meta(stream_id, "cancel")
    assert meta is not None
    return meta.get("cancel") == b"1" or meta["state"] == State.ENDED.encode()


async def wait_for_cancel(front: Served, stream_id: str) -> None:
    await until(lambda: is_cancelled(front, stream_id))


async def outcome_of(front: Served, stream_id: str) -> bytes | None:
    return (await front.log.meta(stream_id, "outcome") or {}).get("outcome")
