"""Whichever face a prompt comes by, it is looked at before anything of it is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.faces.conversations.context import COUNTED_BYTES
from app.settings import Settings
from app.upstream import Reply, Upstream
from tests.app.access.screening import a_screen
from tests.app.access.screening.a_screen import SECRET
from tests.app.served import served

Asks = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]
MODEL: dict[str, Any] = {"model": "claude-sonnet-5", "max_tokens": 100}


def screen(name: str) -> Settings:
    return Settings(screen=f"{a_screen.__name__}:{name}")


async def streams(http: httpx.AsyncClient, text: str) -> httpx.Response:
    return await http.post("/v1/streams", json={"prompt": text})


async def messages(http: httpx.AsyncClient, text: str) -> httpx.Response:
    body = {**MODEL, "messages": [{"role": "user", "content": text}]}
    return await http.post("/v1/messages", json=body, headers={"idempotency-key": "once"})


async def chat(http: httpx.AsyncClient, text: str) -> httpx.Response:
    said = [{"id": "1", "role": "user", "parts": [{"type": "text", "text": text}]}]
    return await http.post("/api/chat", json={"id": "c", "trigger": "submit-message", "messages": said})


async def conversations(http: httpx.AsyncClient, text: str) -> httpx.Response:
    made = (await http.post("/v1/conversations", json={"title": "of mine"})).json()["id"]
    answer = await http.post(f"/v1/conversations/{made}/messages", json={"content": text})
    kept = (await http.get(f"/v1/conversations/{made}")).json()
    assert (kept["messages"], kept["stream_id"]) == ([], None)
    return answer


FACES = [streams, messages, chat, conversations]


@pytest.mark.parametrize("asks", FACES)
async def test_what_is_refused_is_told_so_and_not_stored(redis: Redis, asks: Asks) -> None:
    async with served(redis, screen("by_text")) as front, httpx.AsyncClient(base_url=front.url) as http:
        answer = await asks(http, f"say {SECRET}")
        assert answer.status_code == 403
        assert answer.json()["error"] == {"type": "permission_error", "message": "not here"}
        assert SECRET not in str(answer.headers)
        assert not [key async for key in redis.scan_iter("ks:{st_*") if key]
        assert await front.front.streams.queue.waiting() == 0


@pytest.mark.parametrize("asks", FACES)
async def test_where_nothing_is_said_nobody_passes(redis: Redis, asks: Asks) -> None:
    async with served(redis, screen("raising")) as front, httpx.AsyncClient(base_url=front.url) as http:
        answer = await asks(http, SECRET)
        assert answer.status_code == 503
        assert answer.json()["error"]["type"] == "api_error"
        assert answer.headers["retry-after"]
        assert SECRET not in answer.text
        assert not [key async for key in redis.scan_iter("ks:{st_*") if key]
        assert (await http.get("/healthz")).status_code == 200


async def test_what_it_says_of_a_prompt_is_kept_with_the_stream(redis: Redis) -> None:
    async with served(redis, screen("by_text")) as front, httpx.AsyncClient(base_url=front.url) as http:
        kept = (await streams(http, "keep")).headers["location"]
        told = {"route": "/v1/streams", "owner": "anonymous", "model": "claude-sonnet-5", "risk": 0.25}
        assert (await http.get(kept)).json()["metadata"] == told
        plain = (await streams(http, "hello")).headers["location"]
        assert "metadata" not in (await http.get(plain)).json()


async def test_a_long_conversation_is_counted_by_nobody_before_it_was_looked_at(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def ask(_self: Upstream, _method: str, _path: str, _query: str, _up: object, body: bytes = b"") -> Reply:
        asked.append(body)
        return Reply(200, {}, b'{"max_input_tokens":1000000,"input_tokens":1}')

    monkeypatch.setattr(Upstream, "ask", ask)
    async with served(redis, screen("by_text")) as front, httpx.AsyncClient(base_url=front.url) as http:
        assert (await conversations(http, f"say {SECRET} {'x' * COUNTED_BYTES}")).status_code == 403
        assert asked == []
        made = (await http.post("/v1/conversations", json={})).json()["id"]
        said = {"content": "x" * COUNTED_BYTES}
        assert (await http.post(f"/v1/conversations/{made}/messages", json=said)).status_code == 202
        assert len(asked) == 2  # what the model takes, and how much this is
