"""`GET /v1/tools`, and the tools that a prompt may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from redis.asyncio import Redis

from app.stream.workers.offers import Offer, Offers, written
from tests.app.served import Served

CLOCK = Offer("clock", "The time.", {"type": "object", "properties": {}}, repeatable=True)
MAIL = Offer("mail", "Sends.", {"type": "object"}, owners=("somebody-else",))
SHOWN = {"name": "clock", "description": "The time.", "input_schema": CLOCK.input_schema}


@pytest.fixture
async def http(front: Served, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    await Offers(redis, 10.0).say("a worker", written([CLOCK, MAIL])[0])
    async with httpx.AsyncClient(base_url=front.url) as client:
        yield client


async def submit(http: httpx.AsyncClient, asked: list[str], key: str | None = None, **body: object) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    return await http.post("/v1/streams", json={"prompt": "hi", "relay": {"tools": asked}, **body}, headers=headers)


async def test_a_caller_is_told_what_it_may_use(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/tools")
    assert answer.status_code == 200
    assert answer.json() == {"tools": [{**SHOWN, "approve": False, "repeatable": True}]}
    assert (await http.head("/v1/tools")).status_code == 200


async def test_only_those_can_be_asked_for(http: httpx.AsyncClient) -> None:
    assert (await submit(http, ["clock"])).status_code == 202
    for name in ("teleport", "mail"):
        answer = await submit(http, ["clock", name])
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert f"a tool {name};" in answer.json()["error"]["message"]
    clients = await submit(http, ["clock"], tools=[{"name": "clock", "input_schema": {"type": "object"}}])
    assert clients.status_code == 400


async def test_what_was_accepted_once_is_answered_again(http: httpx.AsyncClient, redis: Redis) -> None:
    first = await submit(http, ["clock"], key="k")
    await Offers(redis, 10.0).forget("a worker")
    await redis.delete("ks:{queue}:tools")
    again = await submit(http, ["clock"], key="k")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])


async def test_an_answer_with_tools_is_nobody_else_s(http: httpx.AsyncClient, redis: Redis) -> None:
    answer = await http.post("/v1/streams", json={"prompt": "hi", "relay": {"tools": ["clock"], "cache": 60}})
    assert answer.status_code == 400
    assert "relay.cache" in answer.json()["error"]["message"]
    assert await redis.keys("ks:{st_*") == []
